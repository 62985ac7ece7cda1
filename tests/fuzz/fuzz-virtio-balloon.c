/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The balloon, whose guest gives any memory away: that of its queues too.
 *
 * Input: features (u8), then steps: what to do (u8) and what that takes (virtio-player.h).
 */
/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "protocol/statistics-protocol.h"
#include "virtio-player.h"
#include "virtio/virtio-device.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEP_CONFIG = 5, STEP_TARGET, STEP_ASK, STEP_RESTART, STEPS }; /* before: a queue */

static bool play_step(struct virtio_player *player, uint8_t features)
{
	const uint8_t *step = virtio_player_take(player, 1);

	if (!step)
		return false;
	switch (*step % STEPS) {
	case STEP_CONFIG:
		return virtio_player_write_config(player);
	case STEP_TARGET:
		virtio_balloon_set_target(player->device, *step * 4096ULL);
		return true;
	case STEP_ASK:
		virtio_balloon_ask_statistics(player->device);
		return true;
	case STEP_RESTART:
		virtio_player_start(player, features);
		return true;
	default:
		return virtio_player_offer(player, *step % STEPS);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct virtio_player player;
	static struct statistics_page page;
	const uint8_t *features;
	int r;

	memset(&player, 0, sizeof(player));
	memset(&page, 0, sizeof(page));
	test_machine_init(&player.machine);
	r = virtio_balloon_create(&player.machine.host, TEST_MACHINE_DEVFN, &page, &player.device);
	assert(r == 0);
	player.data = data;
	player.size = size;
	features = virtio_player_take(&player, 1);
	virtio_player_start(
		&player, features ? *features | (*features & 1ULL) << VIRTIO_RING_F_EVENT_IDX : 0);
	while (play_step(&player, features ? *features : 0))
		;
	assert(page.header.sequence % 2 == 0);
	virtio_device_destroy(player.device);
	test_machine_finish(&player.machine);
	return 0;
}
