/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What can go wrong between a client and a VMM, as sentences for a person, in G_IO_ERROR.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The VMM did not carry out what it was asked for; @status is the negative errno it gave. */
GError *inn_control_error_refused (int status);
/* The VMM took no snapshot, or could not write the memory of one. */
GError *inn_control_error_no_snapshot (int status);
GError *inn_control_error_memory_not_written (int status);
/* The VMM made no clone, or made one that could not begin to run. */
GError *inn_control_error_no_clone (int status);
GError *inn_control_error_clone_not_begun (int status);
/* G_IO_ERROR_CLOSED: there is no VMM any more. */
GError *inn_control_error_ended (void);
/* @status of receiving or checking something from the VMM: -ECONNRESET is
 * G_IO_ERROR_CONNECTION_CLOSED, -EPROTONOSUPPORT G_IO_ERROR_NOT_SUPPORTED, all else
 * G_IO_ERROR_INVALID_DATA. */
GError *inn_control_error_protocol (int status);

G_END_DECLS
