// SPDX-License-Identifier: GPL-2.0
/*
 * See shim.h. Everything here is a few lines around an interface of the kernel's; decisions are
 * made in Rust.
 */

#include <linux/delay.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kdev_t.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/random.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/suspend.h>
#include <linux/uaccess.h>
#include <scsi/scsi_common.h>
#include <scsi/scsi_ioctl.h>
#include <scsi/sg.h>

#include "shim.h"

/*
 * The SCSI device of a disk, with a reference; NULL if it is none. The way that the kernel has for
 * itself (scsi_device_from_queue) is not exported: a SCSI disk is added below its device.
 */
struct scsi_device *md_scsi_get(struct block_device *bdev)
{
	struct device *parent = disk_to_dev(bdev->bd_disk)->parent;
	struct scsi_device *sdev;

	if (!parent || !scsi_is_sdev_device(parent))
		return NULL;
	sdev = to_scsi_device(parent);
	return scsi_device_get(sdev) ? NULL : sdev;
}

void md_scsi_put(struct scsi_device *sdev)
{
	scsi_device_put(sdev);
}

/* How often the disk has said that it was reset, to whoever has asked it something. */
u32 md_scsi_resets(struct scsi_device *sdev)
{
	return scsi_get_ua_por_ctr(sdev);
}

/* Sends a command. NOWAIT: rather fails than waits for a tag or a frozen queue. */
void md_scsi_command(struct scsi_device *sdev, const u8 *command, bool is_out, void *buffer,
		     unsigned int bytes, unsigned int timeout_ms, bool nowait,
		     struct md_answer *answer)
{
	struct scsi_sense_hdr sense = {};
	const struct scsi_exec_args args = {
		.sshdr = &sense,
		.req_flags = nowait ? BLK_MQ_REQ_NOWAIT : 0,
	};
	blk_opf_t opf = (is_out ? REQ_OP_DRV_OUT : REQ_OP_DRV_IN) | REQ_FAILFAST_MASK;

	/* A request that may not wait would be told to try again, for ever. */
	if (sdev->sdev_state == SDEV_DEL || sdev->sdev_state == SDEV_CANCEL) {
		answer->result = -ENODEV;
		return;
	}
	answer->result = scsi_execute_cmd(sdev, command, opf, buffer, bytes,
					  msecs_to_jiffies(timeout_ms), 0, &args);
	answer->has_sense = answer->result > 0 && scsi_sense_valid(&sense);
	answer->key = sense.sense_key;
	answer->code = sense.asc;
}

/*
 * Resets a disk, which drops the reservation that another host has. The kernel exports this as an
 * ioctl only, which reads its argument from the caller's memory; so we make some.
 */
int md_scsi_reset(struct scsi_device *sdev)
{
	unsigned long at = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, 0);
	int __user *argument = (int __user *)at;
	int answer;

	if (IS_ERR_VALUE(at))
		return (int)at;
	answer = put_user(SG_SCSI_RESET_DEVICE, argument);
	if (!answer)
		answer = scsi_ioctl(sdev, true, SG_SCSI_RESET, argument);
	vm_munmap(at, PAGE_SIZE);
	return answer;
}

static const struct pr_ops *pr_of(struct block_device *bdev)
{
	return bdev->bd_disk->fops->pr_ops;
}

/* Whether the driver of a disk knows persistent reservations. */
bool md_pr_is_there(struct block_device *bdev)
{
	return pr_of(bdev);
}

/* The kernel's operations are for whole disks. */
static struct block_device *whole(struct block_device *bdev)
{
	return bdev_whole(bdev);
}

int md_pr_register(struct block_device *bdev, u64 old, u64 new, bool ignore)
{
	const struct pr_ops *ops = pr_of(bdev);

	if (!ops || !ops->pr_register)
		return -EOPNOTSUPP;
	return ops->pr_register(whole(bdev), old, new, ignore ? PR_FL_IGNORE_KEY : 0);
}

int md_pr_reserve(struct block_device *bdev, u64 key, u32 type)
{
	const struct pr_ops *ops = pr_of(bdev);

	if (!ops || !ops->pr_reserve)
		return -EOPNOTSUPP;
	return ops->pr_reserve(whole(bdev), key, type, 0);
}

int md_pr_release(struct block_device *bdev, u64 key, u32 type)
{
	const struct pr_ops *ops = pr_of(bdev);

	if (!ops || !ops->pr_release)
		return -EOPNOTSUPP;
	return ops->pr_release(whole(bdev), key, type);
}

/* What the kernel calls the old key is ours, as all its users have it. */
int md_pr_preempt(struct block_device *bdev, u64 mine, u64 victim, u32 type, bool abort)
{
	const struct pr_ops *ops = pr_of(bdev);

	if (!ops || !ops->pr_preempt)
		return -EOPNOTSUPP;
	return ops->pr_preempt(whole(bdev), mine, victim, type, abort);
}

int md_pr_clear(struct block_device *bdev, u64 key)
{
	const struct pr_ops *ops = pr_of(bdev);

	if (!ops || !ops->pr_clear)
		return -EOPNOTSUPP;
	return ops->pr_clear(whole(bdev), key);
}

/* The buffer becomes a struct pr_keys with room for so many. */
int md_pr_keys(struct block_device *bdev, void *buffer, u32 room)
{
	const struct pr_ops *ops = pr_of(bdev);
	struct pr_keys *keys = buffer;

	if (!ops || !ops->pr_read_keys)
		return -EOPNOTSUPP;
	keys->num_keys = room;
	return ops->pr_read_keys(whole(bdev), keys);
}

int md_pr_reservation(struct block_device *bdev, u64 *key, u32 *type, u32 *generation)
{
	const struct pr_ops *ops = pr_of(bdev);
	struct pr_held_reservation held = {};
	int answer;

	if (!ops || !ops->pr_read_reservation)
		return -EOPNOTSUPP;
	answer = ops->pr_read_reservation(whole(bdev), &held);
	*key = held.key;
	*type = held.type;
	*generation = held.generation;
	return answer;
}

static enum hrtimer_restart md_prober_ticks(struct hrtimer *timer)
{
	struct md_prober *prober = container_of(timer, struct md_prober, timer);

	if (prober->tick(prober))
		queue_work(prober->queue, &prober->work);
	hrtimer_forward_now(timer, ns_to_ktime(prober->period_ns));
	return HRTIMER_RESTART;
}

/*
 * The thread is the disk's own, so that another disk which does not answer starves nobody, and it
 * is there already when there is no memory for one (WQ_MEM_RECLAIM).
 */
int md_prober_init(struct md_prober *prober, const char *name,
		   bool (*tick)(struct md_prober *prober), work_func_t run)
{
	prober->queue = alloc_workqueue("%s", WQ_MEM_RECLAIM | WQ_HIGHPRI | WQ_UNBOUND, 1, name);
	if (!prober->queue)
		return -ENOMEM;
	prober->tick = tick;
	INIT_WORK(&prober->work, run);
	hrtimer_setup(&prober->timer, md_prober_ticks, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	return 0;
}

/* Begins with a tick at once. */
void md_prober_start(struct md_prober *prober, unsigned int period_ms)
{
	hrtimer_cancel(&prober->timer);
	prober->period_ns = (u64)period_ms * NSEC_PER_MSEC;
	hrtimer_start(&prober->timer, 0, HRTIMER_MODE_REL);
}

void md_prober_stop(struct md_prober *prober)
{
	hrtimer_cancel(&prober->timer);
}

/* Waits for the command that is on its way. */
void md_prober_exit(struct md_prober *prober)
{
	hrtimer_cancel(&prober->timer);
	destroy_workqueue(prober->queue);
}

u64 md_now_ms(void)
{
	return ktime_to_ms(ktime_get());
}

/* Whether nobody has sent a signal meanwhile. */
bool md_sleep_ms(unsigned int ms)
{
	return msleep_interruptible(ms) == 0 && !signal_pending(current);
}

u64 md_random_u64(void)
{
	return get_random_u64();
}

unsigned int md_noio_begin(void)
{
	return memalloc_noio_save();
}

void md_noio_end(unsigned int before)
{
	memalloc_noio_restore(before);
}

/* Whether the disk is still there: another one may get its number. */
bool md_failfast_is_live(struct block_device *bdev)
{
	return disk_live(bdev->bd_disk);
}

u64 md_failfast_disk_dev(struct block_device *bdev)
{
	return huge_encode_dev(disk_devt(bdev->bd_disk));
}

/* Only to read, so that no udev rule looks at the disk when it is closed. Claims nothing. */
struct file *md_failfast_open(u64 dev)
{
	return bdev_file_open_by_dev(huge_decode_dev(dev), BLK_OPEN_READ, NULL, NULL);
}

/* The number of the block device that the caller has open. */
int md_failfast_dev_of_fd(int fd, u64 *dev)
{
	struct file *file = fget(fd);
	int answer = -ENOTBLK;

	if (!file)
		return -EBADF;
	if (S_ISBLK(file_inode(file)->i_mode)) {
		*dev = huge_encode_dev(file_inode(file)->i_rdev);
		answer = 0;
	}
	fput(file);
	return answer;
}

/* The number of the block device with a path in the caller's memory, and the path. */
int md_failfast_dev_of_path(unsigned long path, u64 *dev, char *name, unsigned int room)
{
	char *text = strndup_user((const char __user *)path, PATH_MAX);
	dev_t found;
	int answer;

	if (IS_ERR(text))
		return PTR_ERR(text);
	answer = lookup_bdev(text, &found);
	if (!answer) {
		*dev = huge_encode_dev(found);
		strscpy(name, text, room);
	}
	kfree(text);
	return answer;
}

int md_failfast_pm(struct notifier_block *block)
{
	return register_pm_notifier(block);
}

void md_failfast_pm_end(struct notifier_block *block)
{
	unregister_pm_notifier(block);
}
