/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What Rust cannot reach by itself: inline functions, macros, and constants that bindgen drops
 * because of their __force casts. kapi/ffi.rs declares the same names; nothing else uses them.
 */
#ifndef MD_RS_SHIM_H
#define MD_RS_SHIM_H

#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/completion.h>
#include <linux/device.h>
#include <linux/notifier.h>
#include <linux/percpu-refcount.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

/* What the calling task was submitting, put aside while we submit; see md_submission_begin(). */
struct md_submission {
	struct blk_plug plug;
	struct blk_plug *saved_plug;
	struct bio_list *saved_bio_list;
};

/* Counts who is inside and no request, on each CPU by itself; kapi/gate.rs says what for. */
struct md_gate {
	struct percpu_ref inside;
	struct completion empty;
};

extern const unsigned int md_gfp_noio;
extern const unsigned int md_gfp_nowait;
extern const unsigned int md_open_read;
extern const unsigned int md_open_write;
extern const blk_status_t md_sts_ioerr;
extern const blk_status_t md_sts_notsupp;
extern const blk_status_t md_sts_resource;
extern const blk_status_t md_sts_target;
extern const blk_status_t md_sts_again;
extern const blk_status_t md_sts_inval;
extern const blk_status_t md_sts_medium;
extern const blk_status_t md_sts_conflict;
extern const unsigned int md_feat_stable_writes;

void md_submission_begin(struct md_submission *submission);
void md_submission_plug(struct md_submission *submission, unsigned short expected);
void md_submission_end(struct md_submission *submission);

sector_t md_bdev_nr_sectors(struct block_device *bdev);
unsigned int md_bdev_logical_block_size(struct block_device *bdev);
unsigned int md_bdev_physical_block_size(struct block_device *bdev);
bool md_bdev_read_only(struct block_device *bdev);
bool md_bdev_is_zoned(struct block_device *bdev);
bool md_bdev_nowait(struct block_device *bdev);
unsigned int md_bdev_max_discard_sectors(struct block_device *bdev);
int md_queue_narrow_limits(struct gendisk *disk, struct queue_limits *limits);
void md_disk_clear_nowait(struct gendisk *disk);
void md_disk_set_unthrottled(struct gendisk *disk);
void md_disk_set_above(struct gendisk *disk);
void md_disk_account_carried(struct gendisk *disk, struct request *rq);
unsigned long md_jiffies_in(unsigned int seconds);
void md_disk_io(struct gendisk *disk, u64 *ios, u64 *ns, u64 *in_flight);
void md_bdev_io(struct block_device *bdev, u64 *ios, u64 *ns, u64 *in_flight);
void md_queue_follow_offers(struct request_queue *q, struct block_device *bdev, bool instead);
dev_t md_dev_from_user(u64 dev);
u64 md_bdev_user_dev(struct block_device *bdev);
u64 md_bdev_disk_dev(struct block_device *bdev);
u64 md_disk_user_dev(struct gendisk *disk);

struct device *md_disk_device_get(struct gendisk *disk);
void md_device_put(struct device *device);
int md_announce(struct device *device, char **variables);

int md_register_reboot_notifier(struct notifier_block *block);
void md_unregister_reboot_notifier(struct notifier_block *block);
int md_register_pm_notifier(struct notifier_block *block);
void md_unregister_pm_notifier(struct notifier_block *block);

int md_gate_init(struct md_gate *gate);
void md_gate_enter_again(struct md_gate *gate);
bool md_gate_try_enter_while_used(struct md_gate *gate);
void md_gate_exit(struct md_gate *gate);
void md_gate_close(struct md_gate *gate);
unsigned int md_noio_begin(void);
void md_noio_end(unsigned int before);

struct request *md_rq_list_pop(struct rq_list *list);
unsigned int md_rq_list_count(const struct rq_list *list);
void md_bio_set_dev(struct bio *clone, struct bio *source, struct block_device *bdev);
void md_bio_advance(struct bio *bio, unsigned int bytes);
void md_bio_fill(struct bio *bio, unsigned int skip, const void *from, unsigned int bytes);
void md_bio_take(struct bio *bio, struct request *rq);
void md_bio_give(struct bio *bio, struct request *rq);
void md_bio_set_bytes(struct bio *bio, unsigned int bytes);

struct workqueue_struct *md_alloc_workqueue(const char *name, int at_once);
void md_init_work(struct work_struct *work, work_func_t function, bool is_outermost);
void md_init_delayed_work(struct delayed_work *work, work_func_t function);
void md_queue_delayed(struct workqueue_struct *queue, struct delayed_work *work, unsigned int ms);

void md_irq_lock_init(spinlock_t *lock);
unsigned long md_irq_lock(spinlock_t *lock);
void md_irq_unlock(spinlock_t *lock, unsigned long flags);
void md_panic(const char *disk, const char *how);
void md_restart(void);

int md_request_module(const char *alias);

/* volley.c */
struct md_volley;
struct md_volley *md_volley_new(unsigned int count);
void md_volley_free(struct md_volley *volley);
bool md_volley_load(struct md_volley *volley, unsigned int index, struct block_device *bdev,
		    sector_t sector, unsigned int opf);
bool md_volley_add(struct md_volley *volley, unsigned int index, void *data, unsigned int bytes);
void md_volley_fire(struct md_volley *volley, unsigned int count);
blk_status_t md_volley_status(const struct md_volley *volley, unsigned int index);
void md_copy(void *to, const void *from, unsigned int bytes);
void md_rq_copy(struct request *rq, unsigned int skip, void *with, void *also, unsigned int bytes,
		bool to_rq);

#endif
