// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin of QEMU's that counts how often each block of guest code runs, for
 * scripts/bench-profile. At the end it writes a line "ADDRESS INSTRUCTIONS TIMES" for each block to
 * the file that its argument out= names, which is there when it is complete. The declarations are
 * those of QEMU's plugin interface, version 4, whose header is in no package.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_info;
struct qemu_plugin_scoreboard;
typedef struct {
	struct qemu_plugin_scoreboard *score;
	size_t offset;
} qemu_plugin_u64;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t size);
uint64_t qemu_plugin_u64_sum(qemu_plugin_u64 entry);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
		void (*callback)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(struct qemu_plugin_tb *tb,
		enum qemu_plugin_op op, qemu_plugin_u64 entry, uint64_t amount);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id,
		void (*callback)(qemu_plugin_id_t id, void *data), void *data);

__attribute__((visibility("default"))) int qemu_plugin_version = 4;

/* A block of guest code; the same code is translated again when QEMU's cache is full. */
struct block {
	struct block *next;
	uint64_t address;
	size_t instructions;
	qemu_plugin_u64 times;
};

#define BUCKETS (1u << 16)
static struct block *buckets[BUCKETS];
static const char *out_path;

/* There is one virtual processor, so that blocks are translated one at a time. */
static struct block *block_of(uint64_t address, size_t instructions)
{
	struct block **bucket = &buckets[(address ^ address >> 16) % BUCKETS];
	struct block *block;

	for (block = *bucket; block; block = block->next)
		if (block->address == address && block->instructions == instructions)
			return block;
	block = malloc(sizeof(*block));
	if (!block)
		abort();
	block->address = address;
	block->instructions = instructions;
	block->times.score = qemu_plugin_scoreboard_new(sizeof(uint64_t));
	block->times.offset = 0;
	block->next = *bucket;
	*bucket = block;
	return block;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	struct block *block = block_of(qemu_plugin_tb_vaddr(tb), qemu_plugin_tb_n_insns(tb));

	(void)id;
	qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, QEMU_PLUGIN_INLINE_ADD_U64,
							  block->times, 1);
}

static void write_all(qemu_plugin_id_t id, void *data)
{
	const struct block *block;
	char part[4096];
	size_t index;
	FILE *out;

	(void)id;
	(void)data;
	snprintf(part, sizeof(part), "%s.part", out_path);
	out = fopen(part, "w");
	if (!out)
		abort();
	for (index = 0; index < BUCKETS; index++)
		for (block = buckets[index]; block; block = block->next)
			fprintf(out, "%016" PRIx64 " %zu %" PRIu64 "\n", block->address,
				block->instructions, qemu_plugin_u64_sum(block->times));
	if (fclose(out) || rename(part, out_path))
		abort();
}

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id,
		const struct qemu_info *info, int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4))
		return -1;
	out_path = strdup(argv[0] + 4);
	if (!out_path)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, write_all, NULL);
	return 0;
}
