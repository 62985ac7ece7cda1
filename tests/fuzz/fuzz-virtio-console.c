/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The console device: its control messages, its ports, and peers that come and go meanwhile.
 *
 * Input: features (u8), then steps: what to do (u8) and what that takes (virtio-player.h).
 */
/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "virtio-player.h"
#include "virtio/virtio-device.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { QUEUES = 8 };
enum { STEP_ATTACH = QUEUES, STEP_SEND, STEP_HANG_UP, STEP_TURN, STEP_RESTART, STEPS };

static const char *const names[] = {"hvc0", "a", "b"};

struct stage {
	struct virtio_player player;
	uint64_t features;
	int peer; /* the test's end of a connection to port "a", or -1 */
};

static void attach(struct stage *stage)
{
	int ends[2], r = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends);

	assert(r == 0);
	if (virtio_console_attach(stage->player.device, "a", ends[1]) < 0) {
		fd_close(&ends[0]);
		fd_close(&ends[1]);
		return;
	}
	fd_close(&stage->peer);
	stage->peer = ends[0];
}

static bool play_step(void *data)
{
	struct stage *stage = data;
	const uint8_t *step = virtio_player_take(&stage->player, 1);

	if (!step)
		return false;
	switch (*step % STEPS) {
	case STEP_ATTACH:
		attach(stage);
		return true;
	case STEP_SEND:
		if (stage->peer >= 0)
			(void)send(stage->peer, "from the host", 13, MSG_NOSIGNAL | MSG_DONTWAIT);
		return true;
	case STEP_HANG_UP:
		fd_close(&stage->peer);
		return true;
	case STEP_TURN: /* pause and resume, too */
		virtio_device_pause(stage->player.device);
		virtio_device_notified(stage->player.device, *step % QUEUES);
		virtio_device_resume(stage->player.device);
		return true;
	case STEP_RESTART:
		virtio_player_start(&stage->player, stage->features);
		return true;
	default:
		return virtio_player_offer(&stage->player, *step % STEPS);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stage stage;
	struct virtio_player *player = &stage.player;
	const uint8_t *features;
	int r;

	memset(&stage, 0, sizeof(stage));
	stage.peer = -1;
	test_machine_init(&player->machine);
	r = virtio_console_create(&player->machine.host, TEST_MACHINE_DEVFN, names, 3,
				  &player->device);
	assert(r == 0);
	player->data = data;
	player->size = size;
	features = virtio_player_take(player, 1);
	if (features)
		stage.features = (*features & 1ULL) << VIRTIO_RING_F_EVENT_IDX |
				 (*features >> 1 & 1ULL) << VIRTIO_CONSOLE_F_MULTIPORT;
	virtio_player_start(player, stage.features);
	virtio_player_run(player, play_step, &stage);
	virtio_device_destroy(player->device);
	fd_close(&stage.peer);
	test_machine_finish(&player->machine);
	return 0;
}
