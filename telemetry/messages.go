package telemetry

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"sbc/signaling/sip"
)

const (
	methods = int(sip.PUBLISH) + 1 // sip.UnknownMethod is 0
	classes = 7                    // 0: request; 1 to 6: the first digit of the status
)

var classNames = [classes]string{"request", "1xx", "2xx", "3xx", "4xx", "5xx", "6xx"}

// A Transport is what carried a message.
type Transport uint8

// The transports.
const (
	UDP Transport = iota
	TCP
	transports
)

var transportNames = [transports]string{"udp", "tcp"}

// messages counts messages by realm, transport, direction, method and class.
type messages struct {
	desc   *prometheus.Desc
	realms []string
	counts []atomic.Uint64
}

func newMessages(realms []string) *messages {
	return &messages{
		desc: prometheus.NewDesc("sbc_messages_total", "SIP messages, by realm, transport, direction (in, out), method (of a response: of its request) and class (request, 1xx to 6xx).",
			[]string{"realm", "transport", "direction", "method", "class"}, nil),
		realms: realms,
		counts: make([]atomic.Uint64, len(realms)*int(transports)*2*methods*classes),
	}
}

// Message counts a message that came in from realm, or went out to it. class
// is the first digit of a response's status; 0: a request.
func (m *Metrics) Message(realm int, by Transport, in bool, method sip.Method, class int) {
	t := m.messages
	if realm < 0 || realm >= len(t.realms) || by >= transports || class < 0 || class >= classes {
		return
	}
	if int(method) >= methods {
		method = sip.UnknownMethod
	}
	row := (realm*int(transports) + int(by)) * 2
	if !in {
		row++
	}
	t.counts[(row*methods+int(method))*classes+class].Add(1)
}

// Describe implements prometheus.Collector.
func (t *messages) Describe(c chan<- *prometheus.Desc) { c <- t.desc }

// Collect implements prometheus.Collector. What never happened is left out.
func (t *messages) Collect(c chan<- prometheus.Metric) {
	for i := range t.counts {
		n := t.counts[i].Load()
		if n == 0 {
			continue
		}
		class, rest := i%classes, i/classes
		method, row := rest%methods, rest/methods
		way := row / 2
		name := other
		if method != int(sip.UnknownMethod) {
			name = sip.Method(method).String()
		}
		c <- prometheus.MustNewConstMetric(t.desc, prometheus.CounterValue, float64(n),
			t.realms[way/int(transports)], transportNames[way%int(transports)], [2]string{"in", "out"}[row%2], name, classNames[class])
	}
}
