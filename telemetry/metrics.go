package telemetry

import (
	"runtime"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Options name what the metrics count by.
type Options struct {
	Version string   // of the program, for sbc_build_info
	Realms  []string // by index
	Peers   []string // by index
}

// Metrics are the counters of one process. Its methods may be called by any
// goroutine; those for messages neither wait nor allocate.
type Metrics struct {
	// Constant after New.
	registry   *prometheus.Registry
	messages   *messages
	parse      *table
	rejects    *table
	leaks      *table
	ended      *table
	drops      *table
	proofs     *table
	attempts   prometheus.Counter
	answered   prometheus.Counter
	panics     prometheus.Counter
	retransmit [2]prometheus.Counter // in, out
	media      [3]prometheus.Counter // packets, octets, lost
	setup      prometheus.Histogram
	postDial   prometheus.Histogram
	talk       prometheus.Histogram
	realms     int

	now atomic.Pointer[func() Now]
}

// Ours: below 50 ms is a machine that answers, 0.2 to 32 s is a person, and
// 32 s is where RFC 3261 gives up (64*T1).
var (
	setupBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2, 4, 8, 16, 32, 64, 180}
	talkBuckets  = []float64{1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400}
)

// New returns Metrics with a registry of their own.
func New(o Options) *Metrics {
	peers := append([]string{"none"}, o.Peers...)
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		messages: newMessages(o.Realms),
		parse:    newTable("sbc_parse_errors_total", "Messages that could not be accepted, by cause.", "", nil, "cause"),
		rejects:  newTable("sbc_rejects_total", "Requests refused and messages dropped, by peer (none: of nobody that is configured) and cause.", "peer", peers, "cause"),
		leaks:    newTable("sbc_leaks_total", "Identifiers of another realm that the audit found in outgoing messages, by the realm that would have seen them and the field.", "realm", o.Realms, "field"),
		ended:    newTable("sbc_calls_ended_total", "Calls that ended, by result.", "", nil, "result"),
		drops:    newTable("sbc_media_drops_total", "Media datagrams that were not forwarded, by cause.", "", nil, "cause"),
		proofs:   newTable("sbc_authentications_total", "Requests whose senders were asked to prove who they are, by result.", "", nil, "result"),
		realms:   len(o.Realms),
	}
	m.registry.MustRegister(m.messages, m.parse, m.rejects, m.leaks, m.ended, m.drops, m.proofs, (*state)(m),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		buildInfo(o.Version))
	m.attempts = m.counter("sbc_call_attempts_total", "INVITEs that opened a call.", nil)
	m.answered = m.counter("sbc_calls_answered_total", "Calls that were answered.", nil)
	m.panics = m.counter("sbc_panics_total", "Calls ended because a bug of the SBC was caught. Must stay 0.", nil)
	for i, direction := range []string{"in", "out"} {
		m.retransmit[i] = m.counter("sbc_retransmissions_total", "Messages received again or sent again.", prometheus.Labels{"direction": direction})
	}
	m.media[0] = m.counter("sbc_media_packets_total", "RTP packets received from pinned far ends. Counted every few seconds, and when a media line closes.", nil)
	m.media[1] = m.counter("sbc_media_octets_total", "Octets of those packets. Counted every few seconds, and when a media line closes.", nil)
	m.media[2] = m.counter("sbc_media_lost_total", "RTP packets that far ends sent and that never came here. Counted every few seconds, and when a media line closes.", nil)
	m.setup = m.histogram("sbc_call_setup_seconds", "From the INVITE to its 200.", setupBuckets)
	m.postDial = m.histogram("sbc_call_post_dial_delay_seconds", "From the INVITE to the first 18x or 200.", setupBuckets)
	m.talk = m.histogram("sbc_call_talk_seconds", "From the 200 to the end, of answered calls.", talkBuckets)
	return m
}

func buildInfo(version string) prometheus.Collector {
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "sbc_build_info", Help: "Always 1: the version is in the labels.",
		ConstLabels: prometheus.Labels{"version": version, "go": runtime.Version()},
	})
	g.Set(1)
	return g
}

func (m *Metrics) counter(name, help string, constant prometheus.Labels) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: constant})
	m.registry.MustRegister(c)
	return c
}

func (m *Metrics) histogram(name, help string, buckets []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	m.registry.MustRegister(h)
	return h
}

// CallAttempt counts an INVITE that opened a call.
func (m *Metrics) CallAttempt() { m.attempts.Inc() }

// PostDial counts the time from an INVITE to the first answer that the caller
// can hear: 18x, or 200 where none came before.
func (m *Metrics) PostDial(d time.Duration) { m.postDial.Observe(d.Seconds()) }

// CallAnswered counts a call that was answered setup after its INVITE.
func (m *Metrics) CallAnswered(setup time.Duration) {
	m.answered.Inc()
	m.setup.Observe(setup.Seconds())
}

// CallEnded counts the end of a call. talked is the time since it was
// answered; 0: it was not.
func (m *Metrics) CallEnded(result string, talked time.Duration) {
	m.ended.add(0, result, 1)
	if talked > 0 {
		m.talk.Observe(talked.Seconds())
	}
}

// Panic counts a bug of ours that was caught and ended a call.
func (m *Metrics) Panic() { m.panics.Inc() }

// ParseError counts a message that could not be accepted.
func (m *Metrics) ParseError(cause string) { m.parse.add(0, cause, 1) }

// Refused counts a request that was refused, or a message that was dropped.
// peer is the index of the peer it is from; out of range: nobody.
func (m *Metrics) Refused(cause string, peer int) {
	m.rejects.add(max(peer, -1)+1, cause, 1)
}

// Peers replaces Options.Peers: those that there were, and more. One goroutine at
// a time calls it.
func (m *Metrics) Peers(names []string) { m.rejects.grow(append([]string{"none"}, names...)) }

// Authentication counts what became of asking somebody to prove who he is.
func (m *Metrics) Authentication(result string) { m.proofs.add(0, result, 1) }

// Retransmission counts a message that came again, or that we sent again.
func (m *Metrics) Retransmission(in bool) {
	if in {
		m.retransmit[0].Inc()
	} else {
		m.retransmit[1].Inc()
	}
}

// Leak counts an identifier that the audit found in a message to realm. field
// is the name of the field; those that are not well known count as "other".
func (m *Metrics) Leak(realm int, field string) {
	if realm >= 0 && realm < m.realms {
		m.leaks.add(realm, fieldLabel(field), 1)
	}
}
