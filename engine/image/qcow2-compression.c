/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See qcow2-compression.h. zlib means a raw deflate stream here (RFC 1951), zstd one frame (RFC
 * 8878).
 */
#include "image/qcow2-compression.h"

#include <errno.h>
#include <zlib.h>
#include <zstd.h>

enum {
	/* A stream says how much memory its decompression takes; no cluster needs a larger window.
	 */
	MAX_ZSTD_WINDOW_LOG = 23,
};

static int decompress_zlib(const void *data, size_t length, void *cluster, size_t cluster_size)
{
	z_stream stream = {
		.next_in = (z_const Bytef *)data,
		.avail_in = (uInt)length,
		.next_out = cluster,
		.avail_out = (uInt)cluster_size,
	};
	int status;

	if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
		return -ENOMEM;
	status = inflate(&stream, Z_FINISH);
	inflateEnd(&stream);
	if (status == Z_MEM_ERROR)
		return -ENOMEM;
	/* A full cluster may leave the end mark of the stream unread. */
	if (stream.avail_out > 0 || (status != Z_STREAM_END && status != Z_BUF_ERROR))
		return -EUCLEAN;
	return 0;
}

static int decompress_zstd(const void *data, size_t length, void *cluster, size_t cluster_size)
{
	ZSTD_inBuffer in = {data, length, 0};
	ZSTD_outBuffer out = {cluster, cluster_size, 0};
	ZSTD_DCtx *context = ZSTD_createDCtx();
	size_t left = 1;

	if (!context)
		return -ENOMEM;
	ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, MAX_ZSTD_WINDOW_LOG);
	while (left > 0 && !ZSTD_isError(left) && out.pos < out.size) {
		size_t consumed = in.pos, produced = out.pos;

		left = ZSTD_decompressStream(context, &out, &in);
		if (in.pos == consumed && out.pos == produced)
			break;
	}
	ZSTD_freeDCtx(context);
	return ZSTD_isError(left) || out.pos != out.size ? -EUCLEAN : 0;
}

int qcow2_decompress(enum qcow2_compression compression, const void *data, size_t length,
		     void *cluster, size_t cluster_size)
{
	if (compression == QCOW2_ZSTD)
		return decompress_zstd(data, length, cluster, cluster_size);
	return decompress_zlib(data, length, cluster, cluster_size);
}
