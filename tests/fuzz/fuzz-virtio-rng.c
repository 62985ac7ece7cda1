/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The entropy device, whose guest has it fill anything: its own queue too.
 *
 * Input: features (u8), then steps: what to do (u8) and what that takes (virtio-player.h).
 */
/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "virtio-player.h"
#include "virtio/virtio-device.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum step { STEP_OFFER, STEP_PAUSE, STEP_RESUME, STEP_RESTART, STEP_CONFIG, STEP_COUNT };

struct play {
	struct virtio_player player;
	uint64_t features;
};

static bool play_step(void *data)
{
	struct play *play = data;
	struct virtio_player *player = &play->player;
	const uint8_t *step = virtio_player_take(player, 1);

	if (!step)
		return false;
	switch (*step % STEP_COUNT) {
	case STEP_OFFER:
		return virtio_player_offer(player, 0);
	case STEP_PAUSE:
		virtio_device_pause(player->device);
		return true;
	case STEP_RESUME:
		virtio_device_resume(player->device);
		return true;
	case STEP_RESTART:
		virtio_player_start(player, play->features);
		return true;
	default:
		return virtio_player_write_config(player);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct play play;
	struct virtio_player *player = &play.player;
	const uint8_t *features;
	int r;

	memset(&play, 0, sizeof(play));
	test_machine_init(&player->machine);
	r = virtio_rng_create(&player->machine.host, TEST_MACHINE_DEVFN, &player->device);
	assert(r == 0);
	player->data = data;
	player->size = size;
	features = virtio_player_take(player, 1);
	play.features = features ? (*features & 1ULL) << VIRTIO_RING_F_EVENT_IDX : 0;
	virtio_player_start(player, play.features);
	virtio_player_run(player, play_step, &play);
	virtio_device_destroy(player->device);
	test_machine_finish(&player->machine);
	return 0;
}
