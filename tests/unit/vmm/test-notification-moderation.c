/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virtio/notification-moderation.h"

#include <glib.h>

#define US 1000ULL

enum { FIRST = NOTIFICATION_MODERATION_FIRST, MOST = NOTIFICATION_MODERATION_MOST };

struct fixture {
	struct notification_moderation moderation;
	uint64_t now_ns;
	unsigned int wanted;
	uint64_t waited_ns; /* for batches that did not come */
};

static void set_up(struct fixture *fixture)
{
	*fixture = (struct fixture){.now_ns = 1000000 * US, .wanted = 1};
	notification_moderation_init(&fixture->moderation);
}

/* The device looks so much later, and takes so many. */
static void look(struct fixture *fixture, uint64_t later_ns, unsigned int count)
{
	fixture->now_ns += later_ns;
	fixture->wanted =
		notification_moderation_next(&fixture->moderation, count, fixture->now_ns);
	g_assert_cmpuint(fixture->wanted, >=, 1);
	g_assert_cmpuint(fixture->wanted, <=, MOST);
	g_assert_cmpuint(fixture->moderation.deadline_ns, <=,
			 fixture->now_ns + NOTIFICATION_MODERATION_MAX_WAIT_NS);
}

/*
 * The guest's next requests: each takes it own_ns, and being notified of and interrupted for a
 * batch takes shared_ns; it has no more than depth under way. What the device then looks at.
 */
static void go_on(struct fixture *fixture, unsigned int depth, uint64_t own_ns, uint64_t shared_ns)
{
	unsigned int count = MIN(fixture->wanted, depth);
	uint64_t left_ns = fixture->moderation.deadline_ns - fixture->now_ns;
	uint64_t needs_ns = shared_ns + count * own_ns;

	if (fixture->wanted > 1 && (count < fixture->wanted || needs_ns > left_ns)) {
		count = MIN(count, left_ns > shared_ns ? (left_ns - shared_ns) / own_ns : 0);
		fixture->waited_ns += left_ns;
		look(fixture, left_ns, count);
		return;
	}
	look(fixture, needs_ns, count);
}

/* Many at once, of which each notification and interrupt takes the guest most of its time. */
static void test_many(void)
{
	struct fixture fixture;
	unsigned int most = 0;

	set_up(&fixture);
	for (unsigned int i = 0; i < 32 + 3; i++)
		go_on(&fixture, 32, 50 * US, 150 * US);
	g_assert_cmpuint(fixture.wanted, ==, MOST);
	for (unsigned int i = 0; i < 10000; i++) {
		go_on(&fixture, 32, 50 * US, 150 * US);
		most += fixture.wanted == MOST;
	}
	/* Now and then it looks whether that still pays. */
	g_assert_cmpuint(most, <, 10000);
	g_assert_cmpuint(most, >, 9500);
	g_assert_cmpuint(fixture.waited_ns, ==, 0);
}

/* One at a time, as fast as can be: as good as left alone. */
static void test_one(void)
{
	struct fixture fixture;
	uint64_t began_ns;

	set_up(&fixture);
	began_ns = fixture.now_ns;
	for (unsigned int i = 0; i < 100000; i++)
		go_on(&fixture, 1, 50 * US, 150 * US);
	g_assert_cmpuint(fixture.waited_ns, >, 0);
	g_assert_cmpuint(fixture.waited_ns, <, (fixture.now_ns - began_ns) / 100);
}

/* A pair or three never wait for a fourth for long. */
static void test_few(void)
{
	struct fixture fixture;
	uint64_t began_ns;

	for (unsigned int depth = 2; depth < FIRST; depth++) {
		set_up(&fixture);
		began_ns = fixture.now_ns;
		for (unsigned int i = 0; i < 100000; i++)
			go_on(&fixture, depth, 50 * US, 150 * US);
		g_assert_cmpuint(fixture.waited_ns, <, (fixture.now_ns - began_ns) / 8);
	}
}

/* As many as there are are asked for most of the time, and more seldom. */
static void test_some(void)
{
	struct fixture fixture;
	unsigned int all = 0;
	uint64_t began_ns;

	set_up(&fixture);
	began_ns = fixture.now_ns;
	for (unsigned int i = 0; i < 100000; i++) {
		go_on(&fixture, 8, 50 * US, 150 * US);
		all += fixture.wanted == 8;
	}
	g_assert_cmpuint(all, >, 90000);
	g_assert_cmpuint(fixture.waited_ns, <, (fixture.now_ns - began_ns) / 20);
}

/* Requests come when they come: there is nothing to be had by waiting for them. */
static void test_steady(void)
{
	struct fixture fixture;
	uint64_t began_ns;

	set_up(&fixture);
	began_ns = fixture.now_ns;
	for (unsigned int i = 0; i < 100000; i++)
		go_on(&fixture, 1000, 100 * US, 0);
	g_assert_cmpuint(fixture.waited_ns, <, (fixture.now_ns - began_ns) / 8);
}

/* With pauses it is no stream, however many there are in all. */
static void test_pauses(void)
{
	struct fixture fixture;

	set_up(&fixture);
	for (unsigned int i = 0; i < 1000; i++) {
		for (unsigned int j = 0; j < 20; j++) {
			look(&fixture, 10 * US, 1);
			g_assert_cmpuint(fixture.wanted, ==, 1);
		}
		look(&fixture, 5000 * US, 1);
	}
}

static void start_batches(struct fixture *fixture)
{
	set_up(fixture);
	while (fixture->wanted < MOST)
		go_on(fixture, 32, 50 * US, 150 * US);
}

/* A guest that has no more: the next request it makes is heard of at once. */
static void test_end(void)
{
	struct fixture fixture;

	start_batches(&fixture);
	look(&fixture, fixture.moderation.deadline_ns - fixture.now_ns, 0);
	g_assert_cmpuint(fixture.wanted, ==, 1);
	look(&fixture, 1000000 * US, 1);
	g_assert_cmpuint(fixture.wanted, ==, 1);
}

/* Fewer than before: no more than those are waited for, until some time later. */
static void test_fewer(void)
{
	struct fixture fixture;

	start_batches(&fixture);
	look(&fixture, fixture.moderation.deadline_ns - fixture.now_ns, 9);
	g_assert_cmpuint(fixture.wanted, ==, 9);
	look(&fixture, 400 * US, 9);
	g_assert_cmpuint(fixture.wanted, ==, 9);
	look(&fixture, 1000000 * US, 9);
	g_assert_cmpuint(fixture.wanted, ==, MOST);
}

/* The device looks for another reason: it goes on waiting. */
static void test_early(void)
{
	struct fixture fixture;

	start_batches(&fixture);
	look(&fixture, 1 * US, 3);
	g_assert_cmpuint(fixture.wanted, ==, MOST);
	look(&fixture, 1 * US, 0);
	g_assert_cmpuint(fixture.wanted, ==, MOST);
}

/* Whatever a guest does, look() sees to the limits. */
static void test_any(void)
{
	GRand *random = g_rand_new_with_seed(1);
	struct fixture fixture;

	set_up(&fixture);
	for (unsigned int i = 0; i < 200000; i++) {
		uint64_t later_ns = 1ULL << g_rand_int_range(random, 0, 30);

		look(&fixture, i % 3 ? later_ns : 0,
		     (unsigned int)g_rand_int_range(random, 0, 128));
	}
	g_rand_free(random);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/notification-moderation/many", test_many);
	g_test_add_func("/notification-moderation/one", test_one);
	g_test_add_func("/notification-moderation/few", test_few);
	g_test_add_func("/notification-moderation/some", test_some);
	g_test_add_func("/notification-moderation/steady", test_steady);
	g_test_add_func("/notification-moderation/pauses", test_pauses);
	g_test_add_func("/notification-moderation/end", test_end);
	g_test_add_func("/notification-moderation/fewer", test_fewer);
	g_test_add_func("/notification-moderation/early", test_early);
	g_test_add_func("/notification-moderation/any", test_any);
	return g_test_run();
}
