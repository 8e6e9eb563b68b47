// SPDX-License-Identifier: GPL-2.0
/*
 * See shim.h. Everything here is a line or two around an inline function or a macro; decisions are
 * made in Rust.
 */

#include <linux/bio.h>
#include <linux/kdev_t.h>
#include <linux/kmod.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/panic.h>
#include <linux/part_stat.h>
#include <linux/reboot.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/suspend.h>
#include <linux/workqueue.h>

#include "shim.h"

const unsigned int md_gfp_noio = (__force unsigned int)GFP_NOIO;
const unsigned int md_gfp_nowait = (__force unsigned int)GFP_NOWAIT;

const unsigned int md_open_read = (__force unsigned int)BLK_OPEN_READ;
const unsigned int md_open_write = (__force unsigned int)BLK_OPEN_WRITE;

const blk_status_t md_sts_ioerr = BLK_STS_IOERR;
const blk_status_t md_sts_notsupp = BLK_STS_NOTSUPP;
const blk_status_t md_sts_resource = BLK_STS_RESOURCE;
const blk_status_t md_sts_target = BLK_STS_TARGET;
const blk_status_t md_sts_again = BLK_STS_AGAIN;
const blk_status_t md_sts_inval = BLK_STS_INVAL;
const blk_status_t md_sts_medium = BLK_STS_MEDIUM;
const blk_status_t md_sts_conflict = BLK_STS_RESV_CONFLICT;

const unsigned int md_feat_stable_writes = (__force unsigned int)BLK_FEAT_STABLE_WRITES;

/*
 * queue_rq runs in the middle of a submission of its caller's, and ours must not become part of it:
 *
 * The plug. queue_rq can be called from the flush of the caller's plug, which walks
 * current->plug->mq_list. A bio submitted then would put the lower device's request on the very
 * list that is being walked, and it would be issued in our dispatch section, not in the lower
 * queue's. The time stamp is invalidated first: it is kept in the plug, and the next preemption
 * would write through the NULL pointer.
 *
 * The bio list. When the caller is inside submit_bio, bios submitted now would wait on
 * current->bio_list until it comes back to the loop in submit_bio_noacct. Before it does, it may
 * submit the rest of a bio that was split at our limits, which waits for one of our tags, or in
 * our queue's writeback throttling, both of which may be held by the very requests whose clones
 * wait on the list: a deadlock, seen with xfs. So the list is put aside, and our bios are on their
 * way when queue_rq returns. The price is stack: one more level of submit_bio.
 */
void md_submission_begin(struct md_submission *submission)
{
	blk_plug_invalidate_ts();
	submission->saved_plug = current->plug;
	submission->saved_bio_list = current->bio_list;
	current->plug = NULL;
	current->bio_list = NULL;
}

/* Most requests that the block layer allocates together (its BLK_MAX_REQUEST_COUNT). */
#define MD_EXPECTED_MAX 32

/* A plug of our own, if there is none yet. For one clone alone it costs more than it gains. */
void md_submission_plug(struct md_submission *submission, unsigned short expected)
{
	if (current->plug)
		return;
	blk_start_plug(&submission->plug);
	submission->plug.nr_ios = clamp_t(unsigned short, expected, 1, MD_EXPECTED_MAX);
}

void md_submission_end(struct md_submission *submission)
{
	if (current->plug)
		blk_finish_plug(&submission->plug);
	current->plug = submission->saved_plug;
	current->bio_list = submission->saved_bio_list;
}

sector_t md_bdev_nr_sectors(struct block_device *bdev)
{
	return bdev_nr_sectors(bdev);
}

unsigned int md_bdev_physical_block_size(struct block_device *bdev)
{
	return bdev_physical_block_size(bdev);
}

unsigned int md_bdev_logical_block_size(struct block_device *bdev)
{
	return bdev_logical_block_size(bdev);
}

bool md_bdev_read_only(struct block_device *bdev)
{
	return bdev_read_only(bdev);
}

bool md_bdev_is_zoned(struct block_device *bdev)
{
	return bdev_is_zoned(bdev);
}

bool md_bdev_nowait(struct block_device *bdev)
{
	return bdev_nowait(bdev);
}

unsigned int md_bdev_max_discard_sectors(struct block_device *bdev)
{
	return bdev_max_discard_sectors(bdev);
}

/*
 * What a disk of ours does not do is taken back from its queue, which blk-mq has made to say so
 * (NOWAIT) before the disk was added.
 */
void md_disk_clear_nowait(struct gendisk *disk)
{
	disk->queue->limits.features &= ~BLK_FEAT_NOWAIT;
}

/*
 * Writeback throttling is for who has a disk to share out. That are the devices below, each for
 * itself; in front of them it would cost instructions and make the same writes wait twice.
 */
void md_disk_set_unthrottled(struct gendisk *disk)
{
	set_bit(QUEUE_FLAG_DISABLE_WBT_DEF, &disk->queue->queue_flags);
}

/*
 * Who changes the elevator of our queue waits, with its lock held, for requests that may wait for
 * who changes the elevator of a queue below. These locks are of one class, whatever the queue, and
 * lockdep would take that for a circle.
 */
void md_disk_set_above(struct gendisk *disk)
{
	static struct lock_class_key above;

	lockdep_set_class(&disk->queue->elevator_lock, &above);
}

/*
 * A request of another disk that this one has carried, and that is about to be ended. Its beginning
 * is known if its own disk counts requests.
 */
void md_disk_account_carried(struct gendisk *disk, struct request *rq)
{
	const int group = op_stat_group(req_op(rq));

	if (!rq->start_time_ns)
		return;
	part_stat_lock();
	part_stat_inc(disk->part0, ios[group]);
	part_stat_add(disk->part0, sectors[group], blk_rq_sectors(rq));
	part_stat_add(disk->part0, nsecs[group], ktime_get_ns() - rq->start_time_ns);
	part_stat_unlock();
}

unsigned long md_jiffies_in(unsigned int seconds)
{
	return jiffies + seconds * HZ;
}

/*
 * What the requests of a device have done so far: how many have ended, how long they took, and how
 * many are on their way.
 */
void md_bdev_io(struct block_device *bdev, u64 *ios, u64 *ns, u64 *in_flight)
{
	*ios = part_stat_read_accum(bdev, ios);
	*ns = part_stat_read_accum(bdev, nsecs);
	*in_flight = bdev_count_inflight(bdev);
}

void md_disk_io(struct gendisk *disk, u64 *ios, u64 *ns, u64 *in_flight)
{
	md_bdev_io(disk->part0, ios, ns, in_flight);
}

/*
 * A device may find out with the first discard or write-zeroes that it cannot, and withdraw the
 * offer; then so do we, as dm does. Callers fall back to writing zeros only if we do. Where zeroes
 * are written instead of a discard, the device's own discards are of no account.
 */
void md_queue_follow_offers(struct request_queue *q, struct block_device *bdev, bool instead)
{
	if (instead || !bdev_max_discard_sectors(bdev))
		blk_queue_disable_discard(q);
	if (!bdev_write_zeroes_sectors(bdev))
		blk_queue_disable_write_zeroes(q);
}

/* The limits of a disk that is in use, when a component was added to it. */
int md_queue_narrow_limits(struct gendisk *disk, struct queue_limits *limits)
{
	struct queue_limits new = queue_limits_start_update(disk->queue);

	limits->features &= new.features | ~BLK_FEAT_NOWAIT;
	/* What the block layer and the administrator have decided stays: iostat goes on. */
	limits->features |= new.features & BLK_FEAT_IO_STAT;
	return queue_limits_commit_update_frozen(disk->queue, limits);
}

static void md_gate_is_empty(struct percpu_ref *inside)
{
	complete(&container_of(inside, struct md_gate, inside)->empty);
}

int md_gate_init(struct md_gate *gate)
{
	init_completion(&gate->empty);
	return percpu_ref_init(&gate->inside, md_gate_is_empty, PERCPU_REF_ALLOW_REINIT,
			       GFP_KERNEL);
}

/* A request of the caller's is inside. */
void md_gate_enter_again(struct md_gate *gate)
{
	percpu_ref_get(&gate->inside);
}

/* Whether not all have left yet: then the caller is inside from now on. */
bool md_gate_try_enter_while_used(struct md_gate *gate)
{
	return percpu_ref_tryget(&gate->inside);
}

void md_gate_exit(struct md_gate *gate)
{
	percpu_ref_put(&gate->inside);
}

/* All requests are out; waits until the others are. */
void md_gate_close(struct md_gate *gate)
{
	percpu_ref_kill(&gate->inside);
	wait_for_completion(&gate->empty);
}

/*
 * While a gate is closed, memory must not be looked for where requests have to pass it: see
 * memalloc_noio_save().
 */
unsigned int md_noio_begin(void)
{
	return memalloc_noio_save();
}

void md_noio_end(unsigned int before)
{
	memalloc_noio_restore(before);
}

struct device *md_disk_device_get(struct gendisk *disk)
{
	return get_device(disk_to_dev(disk));
}

void md_device_put(struct device *device)
{
	put_device(device);
}

/* A uevent that says that a device has changed, or without one this module. */
int md_announce(struct device *device, char **variables)
{
	struct kobject *object = device ? &device->kobj : &THIS_MODULE->mkobj.kobj;

	return kobject_uevent_env(object, KOBJ_CHANGE, variables);
}

int md_register_reboot_notifier(struct notifier_block *block)
{
	return register_reboot_notifier(block);
}

void md_unregister_reboot_notifier(struct notifier_block *block)
{
	unregister_reboot_notifier(block);
}

/* Does nothing in a kernel that cannot sleep. */
int md_register_pm_notifier(struct notifier_block *block)
{
	return register_pm_notifier(block);
}

void md_unregister_pm_notifier(struct notifier_block *block)
{
	unregister_pm_notifier(block);
}

/* Device numbers cross the ioctl interface in the form of stat(2)'s st_rdev. */
dev_t md_dev_from_user(u64 dev)
{
	return huge_decode_dev(dev);
}

u64 md_bdev_user_dev(struct block_device *bdev)
{
	return huge_encode_dev(bdev->bd_dev);
}

/* The number of the disk that a device is, or is a partition of. */
u64 md_bdev_disk_dev(struct block_device *bdev)
{
	return huge_encode_dev(disk_devt(bdev->bd_disk));
}

u64 md_disk_user_dev(struct gendisk *disk)
{
	return huge_encode_dev(disk_devt(disk));
}

/* How many clones the requests of a list need at least. */
unsigned int md_rq_list_count(const struct rq_list *list)
{
	const struct request *rq;
	unsigned int count = 0;

	for (rq = list->head; rq; rq = rq->rq_next)
		count++;
	return count;
}

struct request *md_rq_list_pop(struct rq_list *list)
{
	return rq_list_pop(list);
}

/*
 * Gives a clone that was made without a device the one that it goes to, on account of who sent the
 * source. If it were made with its device, the blkg would be looked up twice: first that of the
 * calling task, then the source's.
 */
void md_bio_set_dev(struct bio *clone, struct bio *source, struct block_device *bdev)
{
	clone->bi_bdev = bdev;
	if (!bdev)
		return;
#ifdef CONFIG_BLK_CGROUP
	if (source->bi_blkg)
		bio_clone_blkg_association(clone, source);
	else
		bio_associate_blkg(clone);
#endif
}

void md_bio_advance(struct bio *bio, unsigned int bytes)
{
	bio_advance(bio, bytes);
}

void md_bio_set_bytes(struct bio *bio, unsigned int bytes)
{
	bio->bi_iter.bi_size = bytes;
}

/* Puts bytes into the memory of a bio, from a place of it on. */
void md_bio_fill(struct bio *bio, unsigned int skip, const void *from, unsigned int bytes)
{
	struct bvec_iter iter = bio->bi_iter;

	bio_advance_iter(bio, &iter, skip);
	while (bytes && iter.bi_size) {
		struct bio_vec piece = bio_iter_iovec(bio, iter);

		piece.bv_len = min(piece.bv_len, bytes);
		memcpy_to_bvec(&piece, from);
		from += piece.bv_len;
		bytes -= piece.bv_len;
		bio_advance_iter_single(bio, &iter, piece.bv_len);
	}
}

/* Copies what a request writes into the memory of a bio, which has room for it. */
void md_bio_take(struct bio *bio, struct request *rq)
{
	unsigned int bytes = blk_rq_bytes(rq);
	struct bvec_iter start;
	struct bio *from;

	bio->bi_iter = (struct bvec_iter){ .bi_size = bytes };
	start = bio->bi_iter;
	for (from = rq->bio; from; from = from->bi_next) {
		bio_copy_data(bio, from);
		bio_advance(bio, from->bi_iter.bi_size);
	}
	bio->bi_iter = start;
	bio->bi_opf = rq->bio->bi_opf;
	bio->bi_ioprio = rq->bio->bi_ioprio;
	bio->bi_write_hint = rq->bio->bi_write_hint;
	bio->bi_write_stream = rq->bio->bi_write_stream;
}

/* Copies what a bio has read, from its beginning on, into the memory of a request. */
void md_bio_give(struct bio *bio, struct request *rq)
{
	struct bio *to;

	for (to = rq->bio; to; to = to->bi_next) {
		bio_copy_data(to, bio);
		bio_advance(bio, to->bi_iter.bi_size);
	}
}

struct workqueue_struct *md_alloc_workqueue(const char *name, int at_once)
{
	return alloc_workqueue("%s", WQ_MEM_RECLAIM | WQ_UNBOUND, at_once, name);
}

/* Lockdep tells items apart by where they are initialised. */
void md_init_work(struct work_struct *work, work_func_t function, bool is_outermost)
{
	if (is_outermost)
		INIT_WORK(work, function);
	else
		INIT_WORK(work, function);
}

void md_init_delayed_work(struct delayed_work *work, work_func_t function)
{
	INIT_DELAYED_WORK(work, function);
}

/* Without a delay an item goes at once, though it may have been queued for later. */
void md_queue_delayed(struct workqueue_struct *queue, struct delayed_work *work, unsigned int ms)
{
	if (ms)
		queue_delayed_work(queue, work, msecs_to_jiffies(ms));
	else
		mod_delayed_work(queue, work, 0);
}

/* All locks of this kind are of one class: none is taken under another. */
void md_irq_lock_init(spinlock_t *lock)
{
	spin_lock_init(lock);
}

unsigned long md_irq_lock(spinlock_t *lock)
{
	unsigned long flags;

	spin_lock_irqsave(lock, flags);
	return flags;
}

void md_irq_unlock(spinlock_t *lock, unsigned long flags)
{
	spin_unlock_irqrestore(lock, flags);
}

/*
 * The two ends of a machine that has lost a disk. Nothing is synced: that could write. nmi_panic(),
 * since several CPUs may find the loss at once.
 */
void md_panic(const char *disk, const char *how)
{
	char text[320];

	snprintf(text, sizeof(text), "md: failfast: %s: reservation lost (%s)", disk, how);
	nmi_panic(NULL, text);
}

void md_restart(void)
{
	emergency_restart();
}

int md_request_module(const char *alias)
{
	return request_module("%s", alias);
}
