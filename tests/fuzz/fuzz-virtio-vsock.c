/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The socket device: packets of all kinds, and programs on the host that come, talk and go.
 *
 * Input: steps: what to do (u8) and what that takes (virtio-player.h; a program's words are a
 * length (u8) and bytes).
 */
/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"
#include "virtio-player.h"
#include "virtio/virtio-device.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { QUEUES = 3, CID = 3, PROGRAMS = 4 };
enum { STEP_COME = QUEUES, STEP_SAY, STEP_LISTEN, STEP_GO, STEP_PAUSE, STEP_RESTART, STEPS };

struct stage {
	struct virtio_player player;
	struct sockaddr_un address;
	socklen_t address_length;
	unsigned int next; /* the program that acts */
	int programs[PROGRAMS];
};

static int *acting(struct stage *stage)
{
	return &stage->programs[stage->next % PROGRAMS];
}

static void come(struct stage *stage, const char *words)
{
	int *program = &stage->programs[++stage->next % PROGRAMS];

	fd_close(program);
	*program = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert(*program >= 0);
	(void)connect(*program, (struct sockaddr *)&stage->address, stage->address_length);
	(void)send(*program, words, strlen(words), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static bool say(struct stage *stage)
{
	const uint8_t *length = virtio_player_take(&stage->player, 1);
	const uint8_t *words = length ? virtio_player_take(&stage->player, *length) : NULL;

	if (words && *acting(stage) >= 0)
		(void)send(*acting(stage), words, *length, MSG_NOSIGNAL | MSG_DONTWAIT);
	return words;
}

static bool play_step(void *data)
{
	struct stage *stage = data;
	const uint8_t *step = virtio_player_take(&stage->player, 1);

	if (!step)
		return false;
	switch (*step % STEPS) {
	case STEP_COME:
		come(stage, "CONNECT 1025\n");
		return true;
	case STEP_LISTEN:
		come(stage, "LISTEN 5000\n");
		return true;
	case STEP_SAY:
		return say(stage);
	case STEP_GO:
		fd_close(acting(stage));
		return true;
	case STEP_PAUSE:
		virtio_device_pause(stage->player.device);
		virtio_device_notified(stage->player.device, *step % QUEUES);
		virtio_device_resume(stage->player.device);
		return true;
	case STEP_RESTART:
		virtio_player_start(&stage->player, 1ULL << VIRTIO_RING_F_EVENT_IDX);
		return true;
	default:
		return virtio_player_offer(&stage->player, *step % STEPS);
	}
}

/* At an address that the kernel chooses. */
static int listen_somewhere(struct stage *stage)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), r;

	stage->address.sun_family = AF_UNIX;
	stage->address_length = sizeof(stage->address);
	r = bind(fd, (struct sockaddr *)&stage->address, sizeof(sa_family_t));
	if (r == 0)
		r = listen(fd, PROGRAMS);
	if (r == 0)
		r = getsockname(fd, (struct sockaddr *)&stage->address, &stage->address_length);
	assert(r == 0);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stage stage;
	struct virtio_player *player = &stage.player;
	int r;

	memset(&stage, 0, sizeof(stage));
	memset(stage.programs, -1, sizeof(stage.programs));
	test_machine_init(&player->machine);
	r = virtio_vsock_create(&player->machine.host, TEST_MACHINE_DEVFN, CID,
				listen_somewhere(&stage), &player->device);
	assert(r == 0);
	player->data = data;
	player->size = size;
	virtio_player_start(player, 0);
	virtio_player_run(player, play_step, &stage);
	virtio_device_destroy(player->device);
	for (unsigned int i = 0; i < PROGRAMS; i++)
		fd_close(&stage.programs[i]);
	test_machine_finish(&player->machine);
	return 0;
}
