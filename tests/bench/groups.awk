# SPDX-License-Identifier: GPL-2.0
# Reads "INSTRUCTIONS NAME" lines of scripts/bench-profile, and prints what the functions cost
# together, by what they are for. The first pattern that fits a name decides.

function group(name) {
	if (name ~ /\[md_[a-z0-9]+\]$/) return "our modules"
	if (name ~ /\[(dm_|md_mod|raid[0-9]|linear)/ || name ~ /^(dm_|md_|raid)/) return "dm or md"
	if (name ~ /userspace|^(__do_sys_)?io_|^__io_|syscall|gup|iov_iter|pin_user|_file_perm/)
		return "the caller"
	if (name ~ /wbt|rq_qos/) return "writeback throttling"
	if (name ~ /account|ktime|io_ticks|stat_add|cgroup_bio_start|mod_node_page/)
		return "accounting and clocks"
	if (name ~ /tag|sbitmap|alloc_requests|free_request|rq_ctx_init|rq_late_init|find_next/)
		return "request and tag"
	if (name ~ /clone|bio_(init|uninit|alloc|put|associate|free|split|chain)|bioset|mempool/)
		return "clones"
	if (name ~ /submit_bio|bio_merge|plug|bio_.*limits|split|queue_(enter|exit)|bio_end_sector/)
		return "submitting"
	if (name ~ /issue|start_request|add_timer|null_|brd_|queue_rq|dispatch|budget|run_hw_queue/)
		return "issuing, and the disk"
	if (name ~ /update_request|endio|end_request|complete|finish_request|end_io/) return "ending"
	if (name ~ /flush/) return "flushes"
	if (name ~ /rcu|lock|preempt|irq/) return "locks and RCU"
	if (name ~ /^mem(cpy|set|move)|copy|clear_page|xor/) return "copying memory"
	return "the rest"
}

{
	name = substr($0, index($0, " ") + 1)
	sum[group(name)] += $1
	all += $1
}

END {
	for (kind in sum) printf "%10.0f  %s\n", sum[kind], kind | "sort -rn"
	close("sort -rn")
	printf "%10.0f  together\n", all
}
