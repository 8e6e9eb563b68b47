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
	uint32_t state, reserved;
	uint64_t read_errors, write_errors, event;
	char device[200];
};
struct options {
	uint32_t read, write, pass, reserved;
};
struct create {
	struct header h;
	char name[32];
	uint32_t kind, flags;
	uint64_t rows, components;
	uint32_t row_count, component_count;
	uint64_t size;
	struct options mirror;
	uint64_t reserved[2];
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
	uint64_t reserved[3];
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

#define ABI_VERSION 3
#define CHECK_ONLY 1
#define STRIPE 1
#define MIRROR 2

#define VERSION _IOC(3, 'V', 1, 80)
#define CREATE _IOWR('V', 2, struct create)
#define CLEAR _IOWR('V', 3, struct clear)
#define LIST _IOWR('V', 4, struct list)
#define STATUS _IOWR('V', 5, struct status)
#define PROBE _IOWR('V', 6, struct probe)
#define SET _IOWR('V', 7, struct set)
#define GROW _IOWR('V', 8, struct grow)
