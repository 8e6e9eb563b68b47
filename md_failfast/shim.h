/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What md_failfast needs of the kernel's SCSI, persistent reservations and timers. kapi.rs declares
 * the same names; nothing else uses them.
 */
#ifndef MD_FAILFAST_SHIM_H
#define MD_FAILFAST_SHIM_H

#include <linux/blkdev.h>
#include <linux/hrtimer.h>
#include <linux/notifier.h>
#include <linux/pr.h>
#include <linux/workqueue.h>
#include <scsi/scsi_device.h>

/* The answer to a SCSI command; model/failfast/verdict.rs says what it means. */
struct md_answer {
	int result;
	u8 has_sense;
	u8 key;
	u8 code;
	u8 unused;
};

/* A timer, and the one thing at a time that it has done by a thread of its own. */
struct md_prober {
	struct hrtimer timer;
	struct work_struct work;
	struct workqueue_struct *queue;
	bool (*tick)(struct md_prober *prober);
	u64 period_ns;
};

struct scsi_device *md_scsi_get(struct block_device *bdev);
void md_scsi_put(struct scsi_device *sdev);
u32 md_scsi_resets(struct scsi_device *sdev);
void md_scsi_command(struct scsi_device *sdev, const u8 *command, bool is_out, void *buffer,
		     unsigned int bytes, unsigned int timeout_ms, bool nowait,
		     struct md_answer *answer);
int md_scsi_reset(struct scsi_device *sdev);

bool md_pr_is_there(struct block_device *bdev);
int md_pr_register(struct block_device *bdev, u64 old, u64 new, bool ignore);
int md_pr_reserve(struct block_device *bdev, u64 key, u32 type);
int md_pr_release(struct block_device *bdev, u64 key, u32 type);
int md_pr_preempt(struct block_device *bdev, u64 mine, u64 victim, u32 type, bool abort);
int md_pr_clear(struct block_device *bdev, u64 key);
int md_pr_keys(struct block_device *bdev, void *buffer, u32 room);
int md_pr_reservation(struct block_device *bdev, u64 *key, u32 *type, u32 *generation);

int md_prober_init(struct md_prober *prober, const char *name,
		   bool (*tick)(struct md_prober *prober), work_func_t run);
void md_prober_start(struct md_prober *prober, unsigned int period_ms);
void md_prober_stop(struct md_prober *prober);
void md_prober_exit(struct md_prober *prober);

u64 md_now_ms(void);
bool md_sleep_ms(unsigned int ms);
u64 md_random_u64(void);
unsigned int md_noio_begin(void);
void md_noio_end(unsigned int before);
bool md_failfast_is_live(struct block_device *bdev);
u64 md_failfast_disk_dev(struct block_device *bdev);
struct file *md_failfast_open(u64 dev);
int md_failfast_dev_of_fd(int fd, u64 *dev);
int md_failfast_dev_of_path(unsigned long path, u64 *dev, char *name, unsigned int room);
int md_failfast_pm(struct notifier_block *block);
void md_failfast_pm_end(struct notifier_block *block);

#endif
