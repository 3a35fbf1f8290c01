/* unit tests: packets put together byte by byte. */
#include "packet.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 96

static void add_bytes(struct packet *packet, const void *data, size_t len)
{
	if (len > PACKET_ROOM - packet->len)
		abort();
	if (len > 0)
		memcpy(packet->bytes + packet->len, data, len);
	packet->len += len;
}

/* The low bits of value, the highest first. */
static void add_number(struct packet *packet, uint64_t value, unsigned int bits)
{
	while (bits > 0) {
		uint8_t byte;

		bits -= 8;
		byte = (uint8_t)(value >> bits);
		add_bytes(packet, &byte, 1);
	}
}

static void add_string(struct packet *packet, const void *data, size_t len)
{
	add_number(packet, len, 32);
	add_bytes(packet, data, len);
}

void packet_add_list(struct packet *packet, const char *shape, va_list list)
{
	for (; *shape != '\0'; shape++) {
		const void *data;

		switch (*shape) {
		case 'b':
			add_number(packet, (uint64_t)va_arg(list, int), 8);
			break;
		case 'u':
			add_number(packet, va_arg(list, unsigned int), 32);
			break;
		case 'q':
			add_number(packet, va_arg(list, uint64_t), 64);
			break;
		case 's':
			data = va_arg(list, const char *);
			add_string(packet, data, strlen(data));
			break;
		case 'x':
			data = va_arg(list, const void *);
			add_string(packet, data, va_arg(list, size_t));
			break;
		case 'r':
			data = va_arg(list, const void *);
			add_bytes(packet, data, va_arg(list, size_t));
			break;
		default:
			abort();
		}
	}
}

void packet_add(struct packet *packet, const char *shape, ...)
{
	va_list list;

	va_start(list, shape);
	packet_add_list(packet, shape, list);
	va_end(list);
}

static void show(const char *what, const struct packet *packet)
{
	char text[4 * SHOWN_MAX + 1];
	size_t at = 0;

	for (size_t i = 0; i < packet->len && i < SHOWN_MAX; i++) {
		uint8_t byte = packet->bytes[i];
		bool plain = byte > 0x20 && byte < 0x7f;

		at += (size_t)snprintf(text + at, sizeof(text) - at, plain ? " %c" : " %02x", byte);
	}
	text[at] = '\0';
	cr_log_error("%s %zu bytes:%s", what, packet->len, text);
}

bool packet_equals(const struct packet *packet, const struct packet *expected)
{
	if (packet->len == expected->len &&
	    memcmp(packet->bytes, expected->bytes, expected->len) == 0)
		return true;
	show("got", packet);
	show("want", expected);
	return false;
}

uint32_t packet_u32(const struct packet *packet, size_t at)
{
	uint32_t value = 0;

	cr_assert(at + 4 <= packet->len, "the packet ends before byte %zu", at);
	for (size_t i = 0; i < 4; i++)
		value = value << 8 | packet->bytes[at + i];
	return value;
}
