// Package zeusdsource reads the energy of the GPUs and processors that a zeusd has: the
// daemon of Zeus, which runs as root so that others need not. Importing it registers the
// source:
//
//	POWERTEST_SOURCE=zeusd                              the daemon of this machine, or of ZEUSD_SOCK_PATH or ZEUSD_HOST_PORT
//	POWERTEST_SOURCE=zeusd=/run/zeusd/zeusd.sock
//	POWERTEST_SOURCE=zeusd=gpu-node-01,gpu-node-02:4938  over TCP
//	POWERTEST_SOURCE=zeusd=gpu-node-01?kind=cpu          the processors with their memory, and not the GPUs
//
// It is not for GPUs of this machine that can be read directly: package nvmlsource costs
// no request. Where both are measured, they are the same GPUs by two names, as a zeusd does
// not say their UUIDs.
//
// A token (zeusd token issue) is given in ZEUSD_TOKEN, or as those of other sources: in
// [HTTP], POWERTEST_HTTP_BEARER_TOKEN or POWERTEST_HTTP_BEARER_TOKEN_FILE. The scopes that
// are needed are gpu-read and cpu-read.
//
// The daemon reads the counter of NVML, or of AMD SMI, at each request: in mJ, which change
// once in 20 to 100 ms. A GPU whose counter zeusd does not trust is read by its power. The
// processors are RAPL's packages and their memory, in µJ; how often these come round, zeusd
// counts only while it is asked. On AMD boards with two dies, the even one has the power of
// both, and the odd one none: select the others.
//
// It was written from zeusd's documentation and sources (2026-11), and run against a fake,
// never against a zeusd on real GPUs.
package zeusdsource
