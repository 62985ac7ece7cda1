/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devices/ps2-port.h"

#include "state/state-reader.h"
#include "state/state-writer.h"

void ps2_port_init(struct ps2_port *port, const struct ps2_port_ops *ops)
{
	*port = (struct ps2_port){.ops = ops};
}

bool ps2_port_send(struct ps2_port *port, const uint8_t *bytes, size_t length)
{
	if (length > PS2_PORT_BUFFER - port->count)
		return false;
	for (size_t i = 0; i < length; i++)
		port->bytes[(port->first + port->count++) % PS2_PORT_BUFFER] = bytes[i];
	if (port->filled)
		port->filled(port->controller);
	return true;
}

void ps2_port_clear(struct ps2_port *port)
{
	port->count = 0;
}

bool ps2_port_take(struct ps2_port *port, uint8_t *ret_byte)
{
	if (port->count == 0)
		return false;
	*ret_byte = port->bytes[port->first];
	port->first = (port->first + 1) % PS2_PORT_BUFFER;
	if (--port->count == 0 && port->ops->drained)
		port->ops->drained(port);
	return true;
}

void ps2_port_save(const struct ps2_port *port, struct state_writer *writer)
{
	state_writer_put8(writer, (uint8_t)port->count);
	for (unsigned int i = 0; i < port->count; i++)
		state_writer_put8(writer, port->bytes[(port->first + i) % PS2_PORT_BUFFER]);
}

void ps2_port_load(struct ps2_port *port, struct state_reader *reader)
{
	uint8_t count = state_reader_get8(reader);

	port->first = port->count = 0;
	if (!state_reader_check(reader, count <= PS2_PORT_BUFFER,
				"a keyboard or mouse cannot say so much at once"))
		return;
	state_reader_get_bytes(reader, port->bytes, count);
	port->count = count;
}
