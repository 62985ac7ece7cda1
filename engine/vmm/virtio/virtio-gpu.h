/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a virtio-gpu shows, beside its life as a virtio device (virtio-devices.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct screen;
struct screen_source_ops;
struct virtio_device;
struct virtio_host;

/* The screen, and what its driver takes it from. */
struct virtio_gpu_display {
	struct screen *screen;  /* borrowed */
	uint64_t pixels_offset; /* [offset, offset + size) of the pixel file is the device's */
	uint64_t pixels_size;
	uint32_t width, height; /* pixels, what the driver is told to use at first */
	/* The driver shows something from now on (true), or is gone. Main thread. */
	void (*taken)(void *data, bool taken);
	void *data;
};

/* As the functions in virtio-devices.h. class_code: 24 bits. */
int virtio_gpu_create(const struct virtio_host *host, uint8_t devfn, uint32_t class_code,
		      const struct virtio_gpu_display *display, struct virtio_device **ret_device);

/* The screen's source while the driver shows something; device: the struct virtio_device. */
extern const struct screen_source_ops virtio_gpu_screen_ops;
