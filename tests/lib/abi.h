/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The interface of the admin device, written down once more by hand from its description, for
 * scenarios that use it wrongly.
 */
#include <stdint.h>
#include <sys/ioctl.h>

struct header {
	uint32_t version, size, refusal, index;
	uint64_t values[2], reserved[2];
};
struct row {
	uint64_t interlace;
	uint32_t count, reserved;
};
struct component {
	uint64_t dev, start, size;
	uint32_t state, spare;
	uint64_t read_errors, write_errors, healed_errors, event;
	char device[200], partition[16], wwn[32];
};
struct options {
	uint32_t read, write, pass, target, floor, ceiling;
};
struct create {
	struct header h;
	char name[32];
	uint32_t kind, flags;
	uint64_t rows, components;
	uint32_t row_count, component_count;
	uint64_t size;
	struct options mirror;
	uint32_t pool, reserved[3];
};
struct clear {
	struct header h;
	char name[32];
	uint32_t flags, reserved;
};
struct list {
	struct header h;
	uint64_t units;
	uint32_t capacity, count;
};
struct summary {
	char name[32];
	uint32_t kind, open_count;
	uint64_t size, dev;
	uint32_t row_count, component_count, state, parent;
	struct options mirror;
	uint32_t flags, resync;
	uint64_t resynced, to_resync;
	uint32_t pool, reserved;
};
struct status {
	struct header h;
	struct summary unit;
	uint64_t rows, components;
	uint32_t row_capacity, component_capacity;
};
struct probe {
	struct header h;
	char name[32];
	uint32_t flags, failed_count;
};
struct set {
	struct header h;
	char name[32];
	uint32_t which, reserved;
	struct options mirror;
};
struct grow {
	struct header h;
	char name[32];
	uint32_t flags, reserved;
	uint64_t rows, components;
	uint32_t row_count, component_count;
	uint64_t size;
};

struct attach {
	struct header h;
	char name[32];
	uint32_t flags, reserved;
	struct component submirror;
};
struct change_side {
	struct header h;
	char name[32], submirror[32];
	uint32_t action, flags;
};
struct replace {
	struct header h;
	char name[32], submirror[32];
	uint32_t index, flags;
	char old[200];
	struct component new;
};
struct sync {
	struct header h;
	char name[32];
	uint32_t action, reserved;
};
struct grow_mirror {
	struct header h;
	char name[32];
	uint32_t flags, reserved;
	uint64_t size;
};

struct scrub {
	struct header h;
	char name[32];
	uint32_t action, reserved;
	char submirror[32];
};
struct scrub_range {
	uint64_t sector, sectors;
	uint32_t compared, outvoted, zeroed, reserved;
};
struct scrub_run {
	uint64_t began, compared, skipped, differing, zeroed, repaired;
	uint32_t seconds, ranges, outvoted, mode, end, reserved;
};
struct scrub_status {
	struct header h;
	char name[32];
	uint32_t state, mode;
	uint64_t done;
	uint32_t found, range_capacity, run_capacity, range_count;
	uint64_t ranges, runs;
	uint32_t run_count, reserved;
};

struct device {
	uint64_t dev;
	char path[200], partition[16], wwn[32];
	uint32_t flags, reserved;
};
struct add_replicas {
	struct header h;
	struct device device;
	uint64_t size;
	uint32_t count, flags;
	char set_name[32];
};
struct delete_replicas {
	struct header h;
	uint64_t dev;
	char replica[16];
	uint32_t flags, count;
};
struct list_replicas {
	struct header h;
	char set[16], set_name[32];
	uint64_t epoch, sequence, commits, replicas;
	uint32_t capacity, count, state, reserved;
};
struct start_set {
	struct header h;
	char set[16];
	uint64_t devices;
	uint32_t device_count, flags, unit_count, failed_count;
};
struct stop_set {
	struct header h;
	uint32_t flags, unit_count;
};

struct pool_status {
	uint32_t number, spare_count, user_count, reserved;
};
struct spare_status {
	uint64_t dev, size, event;
	uint32_t pool, state, unit, component;
	char device[200];
};
struct list_pools {
	struct header h;
	uint64_t pools, spares;
	uint32_t pool_capacity, spare_capacity, pool_count, spare_count;
};
struct change_pool {
	struct header h;
	uint32_t pool, action;
	uint64_t devices;
	uint32_t count, flags;
};
struct set_pool {
	struct header h;
	char name[32];
	uint32_t pool, reserved;
};

struct event {
	uint64_t number, seconds;
	uint32_t kind, old_state, new_state, reserved;
	uint64_t values[2];
	char volume[32], device[200], new_device[200];
};
struct read_events {
	struct header h;
	uint64_t after, events;
	uint32_t capacity, wait_ms, count, reserved;
	uint64_t lost;
};
struct rename_ {
	struct header h;
	char name[32], new_name[32];
	uint32_t flags, reserved;
};
struct extent {
	uint64_t sector, count;
};
struct create_soft {
	struct header h;
	char name[32];
	uint32_t flags, extent_count;
	uint64_t alignment, size, extents;
	struct component base;
	unsigned char soft[16], marks[16];
	uint64_t generation;
};
struct change_soft {
	struct header h;
	char name[32];
	uint32_t flags, reserved;
	uint64_t size, alignment;
};
struct soft_status {
	struct header h;
	char name[32];
	uint64_t extents;
	uint32_t capacity, count, state, wrong;
	uint64_t alignment, generation, free;
	uint32_t flags, reserved;
	unsigned char soft[16], marks[16];
};
struct mend_soft {
	struct header h;
	uint64_t dev;
	uint32_t flags, count, wrong, finished;
	uint64_t reserved;
};
struct move_soft {
	struct header h;
	char name[32];
	uint32_t flags, extent;
	uint64_t sector;
};

#define ABI_VERSION 9
#define CHECK_ONLY 1
#define ASSUME_CLEAN 4
#define STRIPE 1
#define MIRROR 2
#define RAID 4

#define VERSION _IOC(3, 'V', 1, 80)
#define CREATE _IOWR('V', 2, struct create)
#define CLEAR _IOWR('V', 3, struct clear)
#define LIST _IOWR('V', 4, struct list)
#define STATUS _IOWR('V', 5, struct status)
#define PROBE _IOWR('V', 6, struct probe)
#define SET _IOWR('V', 7, struct set)
#define GROW _IOWR('V', 8, struct grow)
#define ADD_REPLICAS _IOWR('V', 9, struct add_replicas)
#define DELETE_REPLICAS _IOWR('V', 10, struct delete_replicas)
#define LIST_REPLICAS _IOWR('V', 11, struct list_replicas)
#define START_SET _IOWR('V', 12, struct start_set)
#define STOP_SET _IOWR('V', 13, struct stop_set)
#define ATTACH _IOWR('V', 14, struct attach)
#define CHANGE_SIDE _IOWR('V', 15, struct change_side)
#define REPLACE _IOWR('V', 16, struct replace)
#define SYNC _IOWR('V', 17, struct sync)
#define LIST_POOLS _IOWR('V', 18, struct list_pools)
#define CHANGE_POOL _IOWR('V', 19, struct change_pool)
#define SET_POOL _IOWR('V', 20, struct set_pool)
#define SCRUB _IOWR('V', 22, struct scrub)
#define SCRUB_STATUS _IOWR('V', 23, struct scrub_status)
#define GROW_MIRROR _IOWR('V', 26, struct grow_mirror)
#define READ_EVENTS _IOWR('V', 34, struct read_events)
#define RENAME _IOWR('V', 35, struct rename_)
#define CREATE_SOFT _IOWR('V', 58, struct create_soft)
#define CHANGE_SOFT _IOWR('V', 59, struct change_soft)
#define SOFT_STATUS _IOWR('V', 60, struct soft_status)
#define MEND_SOFT _IOWR('V', 61, struct mend_soft)
#define MOVE_SOFT _IOWR('V', 64, struct move_soft)

#define SOFT_CHECK_ONLY 1
#define SOFT_ALL 2
#define SOFT_REBUILD 8
#define SOFT_SHRINK 16

#define NEW_SET 1
#define TIE_BREAKER 2
#define DELETE_LAST 1

#define SIDE_DETACH 1
#define SIDE_OFFLINE 2
#define SIDE_ONLINE 3
#define SIDE_FORCE 1
#define REPLACE_ENABLE 1
#define REPLACE_CHECK_ONLY 2
#define REPLACE_FORCE 4
#define SYNC_START 1
#define SYNC_CANCEL 2
#define SYNC_PAUSE 3
#define SYNC_RESUME 4
#define POOL_CREATE 1
#define POOL_DELETE 2
#define POOL_ADD 3
#define POOL_REMOVE 4
#define POOL_REPLACE 5
#define POOL_ENABLE 6
#define ALL_POOLS (~0u)
#define SCRUB_CHECK 1
#define SCRUB_REPAIR 2
#define SCRUB_REPAIR_FROM 3
#define SCRUB_CANCEL 4
