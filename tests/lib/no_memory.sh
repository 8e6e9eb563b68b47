# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by scenarios, after expect.sh: . "$MD_TEST_LIB/no_memory.sh"
# Requests of which each allocation in turn fails, on a kernel that can do so; on one that cannot
# the scenario is skipped. /tmp/each is the program that makes them.

[ -e /proc/self/fail-nth ] || skip "this kernel cannot have allocations fail"
# Allocations that may wait fail, too; what fails is not reported, since there is so much of it.
for what in failslab fail_page_alloc; do
	echo N >/sys/kernel/debug/$what/ignore-gfp-wait
	echo 0 >/sys/kernel/debug/$what/verbose
done
echo 0 >/sys/kernel/debug/fail_page_alloc/min-order

# each: makes a request again and again; the first time its first allocation fails, then its second,
# and so on, until there is none left that could. Whatever is refused must have changed nothing, and
# what succeeds is undone.
cat >/tmp/each.c <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "abi.h"

#define MOST 5000

static int fd, control;
static char units[64 * 96], replicas[50 * 264];

/* What was said of the last request. */
static struct header said;

static int ask(unsigned long request, void *argument)
{
	int result = ioctl(fd, request, argument), error = errno;

	said = *(struct header *)argument;
	errno = error;
	return result;
}

static void quit(const char *what)
{
	perror(what);
	exit(1);
}

static const char *const paths[] = { "/dev/sda", "/dev/sdb", "/dev/sdc", "/dev/sdd",
				     "/dev/md/dsk/d1" };
static uint64_t devs[5];

/* Looked up before, since that allocates memory as well. */
static uint64_t dev_of(const char *path)
{
	int n;

	for (n = 0; strcmp(paths[n], path); n++)
		;
	return devs[n];
}

static void look_up(void)
{
	struct stat status;
	int n;

	for (n = 0; n < 5; n++)
		devs[n] = stat(paths[n], &status) ? 0 : status.st_rdev;
}

/* The nth allocation from now on fails; 0 for none. Answers whether the last one was reached. */
static int fail(int nth)
{
	char text[32] = { 0 };

	if (pread(control, text, sizeof(text) - 1, 0) < 0)
		quit("fail-nth");
	sprintf(text + 16, "%d", nth);
	if (pwrite(control, text + 16, strlen(text + 16), 0) < 0)
		quit("fail-nth");
	return atoi(text) == 0;
}

struct state {
	int units, replicas, loaded;
	char names[64 * 32], uuids[50 * 16];
};

static void look(struct state *state)
{
	struct list list = { { ABI_VERSION, sizeof(list) }, .units = (uintptr_t)units,
			     .capacity = 64 };
	struct list_replicas all = { { ABI_VERSION, sizeof(all) },
				     .replicas = (uintptr_t)replicas, .capacity = 50 };
	int n;

	memset(units, 0, sizeof(units));
	memset(replicas, 0, sizeof(replicas));
	if (ioctl(fd, LIST, &list) || ioctl(fd, LIST_REPLICAS, &all))
		quit("list");
	memset(state, 0, sizeof(*state));
	state->units = list.count;
	state->replicas = all.count;
	state->loaded = all.state;
	for (n = 0; n < state->units; n++)
		memcpy(state->names + n * 32, units + n * 96, 32);
	/* How far a replica is does not matter here. */
	for (n = 0; n < state->replicas; n++)
		memcpy(state->uuids + n * 16, replicas + n * 264, 16);
}

/* What the labels of the disks say, whatever the count of their changes. */
#define LABEL_BYTES 4032

static void look_at_labels(char *labels)
{
	static const off_t pages[] = { 1, 224 };
	char *page = aligned_alloc(4096, 4096);
	int n, copy;

	for (n = 0; n < 4; n++) {
		int disk = open(paths[n], O_RDONLY | O_DIRECT);

		for (copy = 0; copy < 2; copy++, labels += LABEL_BYTES) {
			if (disk < 0 || pread(disk, page, 4096, pages[copy] * 4096) != 4096)
				quit(paths[n]);
			memcpy(labels, page + 4096 - LABEL_BYTES, LABEL_BYTES);
		}
		close(disk);
	}
	free(page);
}

static struct component component_of(const char *path, uint64_t start)
{
	struct component component = { .dev = dev_of(path), .start = start };

	strcpy(component.device, path);
	return component;
}

static int stripe(const char *name, const char *path)
{
	struct component component = component_of(path, ~0ULL);
	struct row row = { 1024, 1 };
	struct create create = { { ABI_VERSION, sizeof(create) }, .kind = STRIPE,
				 .rows = (uintptr_t)&row, .components = (uintptr_t)&component,
				 .row_count = 1, .component_count = 1 };

	strcpy(create.name, name);
	return ask(CREATE, &create);
}

static int clear(const char *name)
{
	struct clear clear = { { ABI_VERSION, sizeof(clear) } };

	strcpy(clear.name, name);
	return ask(CLEAR, &clear);
}

static int make_stripe(void) { return stripe("d2", "/dev/sdc"); }
static int clear_stripe(void) { return clear("d2"); }

static int make_mirror(void)
{
	struct component side = component_of("/dev/md/dsk/d1", ~0ULL);
	struct create create = { { ABI_VERSION, sizeof(create) }, .name = "d10", .kind = MIRROR,
				 .components = (uintptr_t)&side, .component_count = 1,
				 .mirror = { .pass = 1 } };

	return ask(CREATE, &create);
}

static int clear_mirror(void) { return clear("d10"); }

static int make_raid(void)
{
	struct component columns[3];
	struct row row = { 128, 3 };
	struct create create = { { ABI_VERSION, sizeof(create) }, .name = "d20", .kind = RAID,
				 .flags = ASSUME_CLEAN,
				 .rows = (uintptr_t)&row, .components = (uintptr_t)columns,
				 .row_count = 1, .component_count = 3 };
	int n;

	for (n = 0; n < 3; n++)
		columns[n] = component_of(paths[n + 1], ~0ULL);
	return ask(CREATE, &create);
}

static int clear_raid(void) { return clear("d20"); }

static int make_soft(void)
{
	struct create_soft create = { { ABI_VERSION, sizeof(create) }, .name = "d30",
				      .size = 4096 };

	create.base = component_of("/dev/sdd", ~0ULL);
	return ask(CREATE_SOFT, &create);
}

static int clear_soft(void) { return clear("d30"); }

static int grow(void)
{
	struct component component = component_of("/dev/sdd", ~0ULL);
	struct row row = { 1024, 1 };
	struct grow grow = { { ABI_VERSION, sizeof(grow) }, .name = "d2",
			     .rows = (uintptr_t)&row, .components = (uintptr_t)&component,
			     .row_count = 1, .component_count = 1 };

	return ask(GROW, &grow);
}

static int shrink(void) { return clear("d2") || stripe("d2", "/dev/sdc"); }

static int begin(void)
{
	struct add_replicas add = { { ABI_VERSION, sizeof(add) }, .count = 1, .flags = NEW_SET };

	add.device.dev = dev_of("/dev/sdb");
	strcpy(add.device.path, "/dev/sdb");
	return ask(ADD_REPLICAS, &add);
}

static int end(void)
{
	struct delete_replicas delete = { { ABI_VERSION, sizeof(delete) },
					  .dev = dev_of("/dev/sdb"), .flags = DELETE_LAST };

	return ask(DELETE_REPLICAS, &delete);
}

static int add(void)
{
	struct add_replicas add = { { ABI_VERSION, sizeof(add) }, .count = 1 };

	add.device.dev = dev_of("/dev/sdb");
	strcpy(add.device.path, "/dev/sdb");
	return ask(ADD_REPLICAS, &add);
}

static int delete(void)
{
	struct delete_replicas delete = { { ABI_VERSION, sizeof(delete) },
					  .dev = dev_of("/dev/sdb") };

	return ask(DELETE_REPLICAS, &delete);
}

static int start(void)
{
	struct device devices[4] = { 0 };
	struct start_set start = { { ABI_VERSION, sizeof(start) }, .devices = (uintptr_t)devices,
				   .device_count = 4 };
	int n;

	for (n = 0; n < 4; n++) {
		sprintf(devices[n].path, "/dev/sd%c", 'a' + n);
		devices[n].dev = dev_of(devices[n].path);
	}
	if (ask(START_SET, &start))
		return -1;
	/* A metadevice that could not be made for want of memory is counted, and may be missing. */
	return 0;
}

static int stop(void)
{
	struct stop_set stop = { { ABI_VERSION, sizeof(stop) } };

	return ask(STOP_SET, &stop);
}

static const struct {
	const char *name;
	int (*request)(void), (*undo)(void);
} all[] = {
	{ "begin", begin, end },
	{ "add", add, delete },
	{ "stripe", make_stripe, clear_stripe },
	{ "mirror", make_mirror, clear_mirror },
	{ "raid", make_raid, clear_raid },
	{ "soft", make_soft, clear_soft },
	{ "grow", grow, shrink },
	{ "clear", clear_stripe, make_stripe },
	{ "start", start, stop },
};

int main(int argc, char **argv)
{
	static struct state before, after;
	static char labels[8 * LABEL_BYTES], labels_after[8 * LABEL_BYTES];
	int n, which, refused = 0, succeeded = 0;

	for (which = 0; strcmp(all[which].name, argv[1]); which++)
		;
	fd = open("/dev/md/admin", O_RDWR);
	control = open("/proc/self/fail-nth", O_RDWR);
	if (fd < 0 || control < 0)
		quit("open");
	look_up();
	look(&before);
	look_at_labels(labels);
	for (n = 1; n < MOST; n++) {
		int result, error, reached;

		fail(n);
		result = all[which].request();
		error = errno;
		reached = fail(0);
		if (!result) {
			succeeded++;
			if (all[which].undo())
				quit("undo");
		} else if (!reached) {
			printf("%s: allocation %d was not reached, but: %s, refusal %u, index %u, "
			       "values %llu, %llu\n", argv[1], n, strerror(error), said.refusal,
			       said.index, (unsigned long long)said.values[0],
			       (unsigned long long)said.values[1]);
			return 1;
		} else {
			refused++;
		}
		look(&after);
		if (memcmp(&before, &after, sizeof(before))) {
			printf("%s: allocation %d: %d units, %d replicas, state %d; before %d, "
			       "%d, %d\n", argv[1], n, after.units, after.replicas, after.loaded,
			       before.units, before.replicas, before.loaded);
			return 1;
		}
		look_at_labels(result ? labels_after : labels);
		if (result && memcmp(labels, labels_after, sizeof(labels))) {
			printf("%s: allocation %d: a label is not what it was\n", argv[1], n);
			return 1;
		}
		if (!reached)
			break;
	}
	printf("%s: %d allocations; %d times refused, %d times not\n", argv[1], n - 1, refused,
	       succeeded);
	return argc > 2 || refused ? 0 : 1;
}
C
gcc -O1 -Wall -I "$MD_TEST_LIB" -o /tmp/each /tmp/each.c
