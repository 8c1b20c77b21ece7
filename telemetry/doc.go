// Package telemetry is what the SBC tells of itself: metrics, the traces of
// calls, and logs.
//
// Metrics are counted by plain atomic numbers that were set up when the
// process started; Prometheus reads them when it asks. Nothing that comes from
// the network names a label. A Ring holds the trace of one shard's calls in a
// fixed number of octets; secrets are masked as they enter it, so that no
// reader can show them. Log lines and everything else for people goes through
// Escape.
package telemetry
