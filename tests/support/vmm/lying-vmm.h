/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A VMM that a guest has taken over: it speaks the control protocol up to a point and then lies.
 */
#pragma once

enum lie {
	/* before the client is attached */
	LIE_CLOSE,
	LIE_REFUSE,
	LIE_MAGIC,
	LIE_MAJOR,
	LIE_SHORT_HELLO,
	LIE_LONG_HELLO,
	LIE_NO_STATISTICS,
	LIE_TWO_STATISTICS,
	LIE_STATISTICS_SIZE,
	LIE_STATISTICS_UNSEALED,
	LIE_STATISTICS_MAGIC,
	LIE_STATISTICS_MAJOR,
	LIE_STATISTICS_EVENTFD,
	LIE_RESULT_ID,
	LIE_RESULT_STATUS,
	LIE_RESULT_FIRST,
	/* right after */
	LIE_STRAY_RESULT,
	LIE_SECOND_HELLO,
	/* when the screen is asked for */
	LIE_SCREEN_REFUSED_WELL, /* a result that says it is there */
	LIE_SCREEN_UNASKED,
	LIE_SCREEN_TWICE, /* answered once more */
	LIE_SCREEN_ONE_FILE,
	LIE_SCREEN_PAGE_UNSEALED,
	LIE_SCREEN_PAGE_WRITABLE,
	LIE_SCREEN_PAGE_SHORT,
	LIE_SCREEN_PAGE_EVENTFD,
	LIE_SCREEN_PAGE_MAGIC,
	LIE_SCREEN_PIXELS_UNSEALED,
	LIE_SCREEN_PIXELS_WRITABLE,
	LIE_SCREEN_PIXELS_EMPTY,
	LIE_SCREEN_PIXELS_HUGE,
	LIE_SCREEN_PIXEL_BYTES, /* the page says another number */
	LIE_SCREEN_MODE_OUTSIDE,
	LIE_SCREEN_MODE_WIDE,
	LIE_SCREEN_STRIDE,
	LIE_SCREEN_FORMAT,
	LIE_SCREEN_CURSOR,
	/* after it was opened: all is well at first */
	LIE_SCREEN_LATER,
	/* when the first command comes */
	LIE_EVENT_INDEX,
	LIE_REPLY_INDEX,
	LIE_REPLY_ID,
	LIE_REPLY_TWICE,
	LIE_REPLY_STATUS,
	LIE_COMMAND_INDEX,
	N_LIES,
	/* no lie: an event of unknown type pushed a state event out */
	EVENT_LOST = N_LIES,
	/* nor these: somebody writes the page without end; the screen is of another version */
	SCREEN_BEING_WRITTEN,
	SCREEN_MAJOR_OTHER,
};

enum {
	LYING_VMM_PIXEL_BYTES = 1 << 20,
	LYING_VMM_WIDTH = 64, /* pixels, of the screen while it tells no lie */
	LYING_VMM_HEIGHT = 32,
};

/*
 * Accepts one client on a blocking socket, lies to it, and returns when the client has hung up.
 * Aborts when something goes wrong on its own side.
 */
void lying_vmm_serve(int listen_fd, enum lie lie);
