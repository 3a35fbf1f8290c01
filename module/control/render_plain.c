/* control: list's plain output, for people.  Reads nothing itself. */
#include "control/render_plain.h"

#include "util/escape.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void plain_start(struct plain *plain, const struct column_choice *choice)
{
	*plain = (struct plain){.choice = choice};
}

static int add_cell(struct plain *plain, const char *text)
{
	if (plain->cell_count == plain->cell_space) {
		size_t space = plain->cell_space == 0 ? 256 : 2 * plain->cell_space;
		char **cells = reallocarray(plain->cells, space, sizeof(*cells));

		if (cells == NULL)
			return -ENOMEM;
		plain->cells = cells;
		plain->cell_space = space;
	}
	plain->cells[plain->cell_count] = strdup(text[0] != '\0' ? text : "-");
	if (plain->cells[plain->cell_count] == NULL)
		return -ENOMEM;
	plain->cell_count++;
	return 0;
}

static int add_row(struct plain *plain, const struct listing *listing, const struct member *member)
{
	char text[COLUMN_TEXT_MAX];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < plain->choice->count; i++) {
		text[0] = '\0';
		plain->choice->columns[i]->write(listing, member, text);
		rc = add_cell(plain, text);
	}
	return rc;
}

int plain_add(struct plain *plain, const struct listing *listing)
{
	int rc = 0;

	if (listing->member_count == 0)
		return add_row(plain, listing, NULL);
	for (size_t i = 0; rc == 0 && i < listing->member_count; i++)
		rc = add_row(plain, listing, &listing->members[i]);
	return rc;
}

static void print_order(FILE *out, const char *whose, const struct order *order,
    const struct order_tally *tally, uint64_t now_ns)
{
	fprintf(out, "%s draining: ", whose);
	orders_describe(out, order, now_ns);
	if (tally->clean != 0 || tally->forced != 0)
		fprintf(out, "; sessions ended: %" PRIu32 " clean, %" PRIu32 " by force",
		    tally->clean, tally->forced);
	fputc('\n', out);
}

void plain_print_orders(FILE *out, const struct listing *listing)
{
	const struct orders *orders = &listing->orders;

	if (orders->host.active)
		print_order(out, "host", &orders->host, &orders->host_tally, listing->now_ns);
	for (size_t i = 0; i < orders->user_count; i++) {
		const struct user_order_copy *user = &orders->users[i];
		char name[USER_NAME_MAX * ESCAPE_GROWTH], whose[sizeof(name) + 8];

		escape_text(user->name, sizeof(user->name), name, sizeof(name));
		snprintf(whose, sizeof(whose), "user %s", name);
		print_order(out, whose, &user->order, &user->tally, listing->now_ns);
	}
}

/* Characters, not bytes: every byte but those that continue one. */
static size_t text_width(const char *text)
{
	size_t width = 0;

	for (; *text != '\0'; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static void print_cell(FILE *out, const char *text, size_t width, bool to_the_right, bool is_last)
{
	int gap = (int)(width - text_width(text));

	if (to_the_right)
		fprintf(out, "%*s%s", gap, "", text);
	else
		fprintf(out, "%s%*s", text, is_last ? 0 : gap, "");
	fputs(is_last ? "\n" : "  ", out);
}

void plain_print(const struct plain *plain, FILE *out)
{
	const struct column_choice *choice = plain->choice;
	size_t widths[COLUMNS_MAX];

	if (plain->cell_count == 0)
		return;
	for (size_t i = 0; i < choice->count; i++)
		widths[i] = text_width(choice->columns[i]->name);
	for (size_t i = 0; i < plain->cell_count; i++) {
		size_t width = text_width(plain->cells[i]), *widest = &widths[i % choice->count];

		if (width > *widest)
			*widest = width;
	}
	for (size_t i = 0; i < choice->count; i++)
		print_cell(out, choice->columns[i]->name, widths[i],
		    choice->columns[i]->to_the_right, i + 1 == choice->count);
	for (size_t i = 0; i < plain->cell_count; i++) {
		size_t at = i % choice->count;

		print_cell(out, plain->cells[i], widths[at], choice->columns[at]->to_the_right,
		    at + 1 == choice->count);
	}
}

void plain_free(struct plain *plain)
{
	for (size_t i = 0; i < plain->cell_count; i++)
		free(plain->cells[i]);
	free(plain->cells);
	*plain = (struct plain){.cells = NULL};
}
