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
};

/*
 * Accepts one client on a blocking socket, lies to it, and returns when the client has hung up.
 * Aborts when something goes wrong on its own side.
 */
void lying_vmm_serve(int listen_fd, enum lie lie);
