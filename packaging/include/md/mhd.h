/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The operations of mhd(7I) on disks that several hosts can reach, as md_failfast has them.
 *
 * open("/dev/md/mhd", O_RDWR), then MHD_BIND says which disk the others are about; with O_NONBLOCK
 * binding does not touch the disk, else it fails with EIO if another host has it. Every call needs
 * CAP_SYS_ADMIN. What is owned and watched belongs to the disk and outlives the file. Programs of
 * 32 bits have the same structures, with their own pointers. Opening the device loads the module,
 * where the node is made at boot (kmod static-nodes); else the first 'mdctl mhd' does.
 *
 * EACCES: another host has the disk, or another key. ENOTSUP: the disk has no such command. EINVAL:
 * what must not be mixed, or makes no sense. EIO: anything else that the disk has not done.
 */
#ifndef MD_MHD_H
#define MD_MHD_H

#include <stdint.h>
#include <sys/ioctl.h>

#define MHIOC			('M' << 8)
#define MHIOCENFAILFAST		(MHIOC | 1)	/* uint32_t *: ms between probes, 0 for none */
#define MHIOCTKOWN		(MHIOC | 2)	/* struct mhioctkown *, or NULL */
#define MHIOCRELEASE		(MHIOC | 3)
#define MHIOCSTATUS		(MHIOC | 4)	/* answers 0: access; 1: another host has it */
#define MHIOCGRP_INKEYS		(MHIOC | 5)	/* mhioc_inkeys_t * */
#define MHIOCGRP_INRESV		(MHIOC | 6)	/* mhioc_inresvs_t * */
#define MHIOCGRP_REGISTER	(MHIOC | 7)	/* mhioc_register_t * */
#define MHIOCGRP_RESERVE	(MHIOC | 8)	/* mhioc_resv_desc_t * */
#define MHIOCGRP_PREEMPTANDABORT (MHIOC | 9)	/* mhioc_preemptandabort_t * */
#define MHIOCGRP_PREEMPT	(MHIOC | 10)	/* mhioc_preemptandabort_t * */
#define MHIOCGRP_CLEAR		(MHIOC | 11)	/* mhioc_resv_key_t * */
#define MHIOCQRESERVE		(MHIOC | 12)
#define MHIOCGRP_REGISTERANDIGNOREKEY (MHIOC | 14) /* mhioc_registerandignorekey_t * */

/* Times in milliseconds; 0 for what is usual. */
struct mhioctkown {
	int32_t reinstate_resv_delay;
	int32_t min_ownership_delay;
	int32_t max_ownership_delay;
};

#define MHIOC_RESV_KEY_SIZE 8

typedef struct mhioc_resv_key {
	uint8_t key[MHIOC_RESV_KEY_SIZE];
} mhioc_resv_key_t;

typedef struct mhioc_key_list {
	uint32_t listsize;	/* in: how many there is room for */
	uint32_t listlen;	/* out: how many there are */
	mhioc_resv_key_t *list;
} mhioc_key_list_t;

typedef struct mhioc_inkeys {
	uint32_t generation;
	mhioc_key_list_t *li;
} mhioc_inkeys_t;

/* Kinds of reservations, SCSI's numbers. */
#define SCSI3_RESV_WRITEEXCLUSIVE			1
#define SCSI3_RESV_EXCLUSIVEACCESS			3
#define SCSI3_RESV_WRITEEXCLUSIVEREGISTRANTSONLY	5
#define SCSI3_RESV_EXCLUSIVEACCESSREGISTRANTSONLY	6

typedef struct mhioc_resv_desc {
	mhioc_resv_key_t key;
	uint8_t type;
	uint8_t scope;
	uint32_t scope_specific_addr;
} mhioc_resv_desc_t;

typedef struct mhioc_resv_desc_list {
	uint32_t listsize;
	uint32_t listlen;
	mhioc_resv_desc_t *list;
} mhioc_resv_desc_list_t;

typedef struct mhioc_inresvs {
	uint32_t generation;
	mhioc_resv_desc_list_t *li;
} mhioc_inresvs_t;

typedef struct mhioc_register {
	mhioc_resv_key_t oldkey;
	mhioc_resv_key_t newkey;
	int32_t aptpl;
} mhioc_register_t;

typedef struct mhioc_registerandignorekey {
	mhioc_resv_key_t newkey;
	int32_t aptpl;
} mhioc_registerandignorekey_t;

typedef struct mhioc_preemptandabort {
	mhioc_resv_desc_t resvdesc;
	mhioc_resv_key_t victim_key;
} mhioc_preemptandabort_t;

/* Not in mhd(7I): which disk the file is about; by an open block device, or with fd -1 a path. */
struct mhd_bind {
	int32_t fd;
	uint32_t reserved;	/* zero */
	uint64_t path;		/* address of the path, (uintptr_t) */
};

#define MHD_BIND	_IOW('M', 0x80, struct mhd_bind)

/* Not in mhd(7I): what is done when the disk is lost. */
#define MHD_PANIC	0
#define MHD_RESTART	1
#define MHD_FENCE	2
#define MHD_LOG		3
#define MHD_SETACTION	_IOW('M', 0x81, uint32_t)

#endif
