// SPDX-License-Identifier: GPL-2.0
/*
 * Transfers that are sent together and waited for together, from and to memory of our own. Their
 * bios are there before they are needed: kapi/volley.rs says what for.
 */

#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/completion.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/unroll.h>

#include "shim.h"

/* A page, and a batch of lines behind it. */
#define MD_SHOT_VECS 33

struct md_shot {
	struct bio bio;
	struct bio_vec vecs[MD_SHOT_VECS];
	struct md_volley *volley;
	blk_status_t status;
};

struct md_volley {
	atomic_t remaining;
	struct completion done;
	unsigned int count;
	struct md_shot shots[] __counted_by(count);
};

struct md_volley *md_volley_new(unsigned int count)
{
	struct md_volley *volley = kvzalloc_flex(*volley, shots, count);

	if (!volley)
		return NULL;
	volley->count = count;
	init_completion(&volley->done);
	return volley;
}

void md_volley_free(struct md_volley *volley)
{
	kvfree(volley);
}

static void md_shot_done(struct bio *bio)
{
	struct md_shot *shot = container_of(bio, struct md_shot, bio);
	struct md_volley *volley = shot->volley;

	shot->status = bio->bi_status;
	bio_uninit(bio);
	if (atomic_dec_and_test(&volley->remaining))
		complete(&volley->done);
}

/* Without a device it fails. */
bool md_volley_load(struct md_volley *volley, unsigned int index, struct block_device *bdev,
		    sector_t sector, unsigned int opf)
{
	struct md_shot *shot;

	if (index >= volley->count)
		return false;
	shot = &volley->shots[index];
	shot->volley = bdev ? volley : NULL;
	shot->status = bdev ? BLK_STS_OK : BLK_STS_IOERR;
	if (!bdev)
		return true;
	bio_init(&shot->bio, bdev, shot->vecs, MD_SHOT_VECS, (__force blk_opf_t)opf);
	shot->bio.bi_iter.bi_sector = sector;
	shot->bio.bi_end_io = md_shot_done;
	return true;
}

/* The memory is physically contiguous. */
bool md_volley_add(struct md_volley *volley, unsigned int index, void *data, unsigned int bytes)
{
	struct md_shot *shot = &volley->shots[index];

	if (!shot->volley)
		return true;
	if (shot->bio.bi_vcnt >= MD_SHOT_VECS)
		return false;
	bio_add_virt_nofail(&shot->bio, data, bytes);
	return true;
}

/* Sends the first ones, and waits for them. */
void md_volley_fire(struct md_volley *volley, unsigned int count)
{
	struct blk_plug plug;
	unsigned int index;

	atomic_set(&volley->remaining, 1);
	reinit_completion(&volley->done);
	blk_start_plug(&plug);
	for (index = 0; index < count; index++) {
		struct md_shot *shot = &volley->shots[index];

		if (!shot->volley)
			continue;
		atomic_inc(&volley->remaining);
		submit_bio_noacct(&shot->bio);
	}
	blk_finish_plug(&plug);
	if (!atomic_dec_and_test(&volley->remaining))
		wait_for_completion_io(&volley->done);
}

blk_status_t md_volley_status(const struct md_volley *volley, unsigned int index)
{
	return index < volley->count ? volley->shots[index].status : BLK_STS_IOERR;
}

/* Copies memory; what is whole pages, with what the processor has for these. */
void md_copy(void *to, const void *from, unsigned int bytes)
{
	if (PAGE_ALIGNED(to) && PAGE_ALIGNED(from))
		for (; bytes >= PAGE_SIZE; bytes -= PAGE_SIZE) {
			copy_page(to, (void *)from);
			to += PAGE_SIZE;
			from += PAGE_SIZE;
		}
	if (bytes)
		memcpy(to, from, bytes);
}

/* Words that are copied in one round. */
#define MD_WORDS 8

/*
 * Copies memory to two places. Somebody may change it meanwhile: both get the same nevertheless,
 * since it is read once.
 */
static void md_copy_twice(void *to, void *also, const void *from, unsigned int bytes)
{
	unsigned long *first = to, *second = also, word;
	const unsigned long *source = from;
	unsigned int n;

	if (!IS_ALIGNED((unsigned long)to | (unsigned long)also | (unsigned long)from | bytes,
			MD_WORDS * sizeof(word))) {
		md_copy(to, from, bytes);
		md_copy(also, to, bytes);
		return;
	}
	for (; bytes; bytes -= MD_WORDS * sizeof(word)) {
		unrolled_count(MD_WORDS)
		for (n = 0; n < MD_WORDS; n++) {
			word = READ_ONCE(source[n]);
			first[n] = word;
			second[n] = word;
		}
		source += MD_WORDS;
		first += MD_WORDS;
		second += MD_WORDS;
	}
}

/* Copies between memory of ours and a piece of a request's data, which is within a page. */
static void md_piece_copy(struct bio_vec *piece, void *with, void *also, bool to_rq)
{
	void *data = bvec_kmap_local(piece);

	if (to_rq)
		md_copy(data, with, piece->bv_len);
	else if (also)
		md_copy_twice(with, also, data, piece->bv_len);
	else
		md_copy(with, data, piece->bv_len);
	kunmap_local(data);
	if (to_rq)
		flush_dcache_page(piece->bv_page);
}

/*
 * Copies between memory of ours and the data of a request, from a place of it on. The data goes to
 * two places if there is another one.
 */
void md_rq_copy(struct request *rq, unsigned int skip, void *with, void *also, unsigned int bytes,
		bool to_rq)
{
	struct bio *bio;

	__rq_for_each_bio(bio, rq) {
		struct bvec_iter iter = bio->bi_iter;

		if (skip >= iter.bi_size) {
			skip -= iter.bi_size;
			continue;
		}
		bio_advance_iter(bio, &iter, skip);
		skip = 0;
		while (bytes && iter.bi_size) {
			struct bio_vec piece = bio_iter_iovec(bio, iter);

			piece.bv_len = min(piece.bv_len, bytes);
			md_piece_copy(&piece, with, also, to_rq);
			bio_advance_iter_single(bio, &iter, piece.bv_len);
			with += piece.bv_len;
			if (also)
				also += piece.bv_len;
			bytes -= piece.bv_len;
		}
		if (!bytes)
			return;
	}
}
