package telemetry

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Now is what the process holds at one moment. It is asked for when
// Prometheus reads the metrics.
type Now struct {
	Calls        int
	Ports        []Ports
	Connections  []Connections
	Peers        []PeerCalls
	Bindings     []Bindings
	Turn         *Turn // nil: there is no such service
	Certificates []Certificate
	Gate         *Gate  // nil: everybody is listened to
	Store        *Store // nil: nothing is kept
	Shards       []Shard
	// What calls have taken less what is in use: each must be 0.
	RestCalls, RestPorts, RestTimers int
}

// Ports is the use of one realm's media ports.
type Ports struct {
	Realm                string
	Free, InUse, Resting int
}

// Bindings are those of some endpoints.
type Bindings struct {
	Endpoints              string
	Reachable, Unreachable int
}

// Certificate is one that the border shows.
type Certificate struct {
	File    string
	Expires time.Time
}

// Gate is what is refused before it is read.
type Gate struct {
	Bans            int
	Policed, Banned uint64
	Dropped, Kernel map[string]uint64 // datagrams by cause, in the border and in the kernel
}

// Store is what a restart finds.
type Store struct {
	Waiting         int    // changes that the disk does not have yet
	Failed, Dropped uint64 // attempts that the disk refused; changes that found no room to wait
}

// Turn is the TURN service. All but Up and Allocations are since the start.
type Turn struct {
	Up                 bool
	Allocations        int
	Restarts           uint64
	Allocated          uint64
	Bindings           uint64 // answered Binding requests
	ToPeers, ToClients uint64 // octets
	Refused            map[string]uint64
}

// Connections are those of one realm's listeners for streams.
type Connections struct {
	Realm                        string
	Open                         int
	Accepted, Dialled, Unreached uint64            // since the start
	Refused                      uint64            // because there are too many
	Cut                          map[string]uint64 // that we ended, by cause
}

// PeerCalls is how many calls a peer takes part in.
type PeerCalls struct {
	Peer  string
	Calls int
}

// Shard is the state of one shard.
type Shard struct {
	Transactions, Timers int
	Lag                  float64 // seconds by which its last timer was late
	Queue                int     // datagrams that wait
	Dropped              uint64  // datagrams dropped since the start, because the queue was full
}

// SetNow says where the state is read. Until then it is not shown.
func (m *Metrics) SetNow(f func() Now) { m.now.Store(&f) }

// state is the Metrics as the collector of Now.
type state Metrics

var (
	descCalls        = gauge("sbc_calls", "Calls that exist now.")
	descPorts        = gauge("sbc_ports", "Media ports in pairs, by realm and state (free, in_use, resting).", "realm", "state")
	descConns        = gauge("sbc_connections", "TCP connections that are open, by realm.", "realm")
	descConnsTotal   = gauge("sbc_connections_total", "TCP connections since the start, by realm and how: accepted, dialled, unreached, or refused because there were too many.", "realm", "how")
	descConnsCut     = gauge("sbc_connections_cut_total", "TCP connections that were ended from here, by realm and cause.", "realm", "cause")
	descBindings     = gauge("sbc_bindings", "Bindings of user agents that registered, by endpoints and state (reachable, unreachable).", "endpoints", "state")
	descTurnUp       = gauge("sbc_turn_up", "Whether the TURN service runs.")
	descTurnRestarts = gauge("sbc_turn_restarts_total", "Times that the TURN service ended and was started again.")
	descTurnNow      = gauge("sbc_turn_allocations", "TURN allocations that exist now.")
	descTurnTotal    = gauge("sbc_turn_allocations_total", "TURN allocations since the start.")
	descTurnBindings = gauge("sbc_turn_bindings_total", "STUN Binding requests that the TURN service answered.")
	descTurnOctets   = gauge("sbc_turn_octets_total", "Octets that the TURN service relayed, by direction: peer or client.", "to")
	descTurnRefused  = gauge("sbc_turn_refused_total", "What the TURN service refused or dropped, by cause.", "cause")
	descExpires      = gauge("sbc_certificate_expires_timestamp_seconds", "When a certificate that the border shows ends, as Unix time, by its file.", "file")
	descBans         = gauge("sbc_bans", "Addresses and networks that are banned now.")
	descBansTotal    = gauge("sbc_bans_total", "Bans that scores led to.")
	descPoliced      = gauge("sbc_policed_total", "Times that a source became policed.")
	descRefused      = gauge("sbc_refused_packets_total", "Packets that were dropped before they were read, by where (kernel, border) and cause.", "where", "cause")
	descStoreWaiting = gauge("sbc_store_waiting", "Registrations and bans that the disk does not have yet.")
	descStoreFailed  = gauge("sbc_store_failed_total", "Times that the disk refused to be written.")
	descStoreDropped = gauge("sbc_store_dropped_total", "Registrations and bans that were not stored, because too many wait for the disk.")
	descPeerCalls    = gauge("sbc_peer_calls", "Calls that a peer takes part in.", "peer")
	descTransactions = gauge("sbc_transactions", "SIP transactions that exist now, by shard.", "shard")
	descTimers       = gauge("sbc_timers", "Timers that are armed, by shard.", "shard")
	descLag          = gauge("sbc_shard_lag_seconds", "How late the last timer of a shard fired.", "shard")
	descQueue        = gauge("sbc_shard_queue", "Datagrams that wait for a shard.", "shard")
	descDropped      = gauge("sbc_shard_dropped_total", "Datagrams dropped because a shard's queue was full.", "shard")
	descRest         = gauge("sbc_ledger_rest", "What calls have taken less what is in use, by kind (calls, ports, timers). Must stay 0.", "kind")
)

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// Describe implements prometheus.Collector.
func (m *state) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descCalls, descPorts, descConns, descConnsTotal, descConnsCut, descBindings, descTurnUp, descTurnRestarts, descTurnNow, descTurnTotal, descTurnBindings, descTurnOctets, descTurnRefused, descExpires, descBans, descBansTotal, descPoliced, descRefused, descStoreWaiting, descStoreFailed, descStoreDropped, descPeerCalls, descTransactions, descTimers, descLag, descQueue, descDropped, descRest} {
		c <- d
	}
}

// Collect implements prometheus.Collector.
func (m *state) Collect(c chan<- prometheus.Metric) {
	f := m.now.Load()
	if f == nil {
		return
	}
	now := (*f)()
	send := func(d *prometheus.Desc, v float64, labels ...string) {
		kind := prometheus.GaugeValue
		switch d {
		case descDropped, descConnsTotal, descConnsCut, descTurnRestarts, descTurnTotal, descTurnBindings, descTurnOctets, descTurnRefused, descBansTotal, descPoliced, descRefused, descStoreFailed, descStoreDropped:
			kind = prometheus.CounterValue
		}
		c <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	send(descCalls, float64(now.Calls))
	for _, p := range now.Ports {
		send(descPorts, float64(p.Free), p.Realm, "free")
		send(descPorts, float64(p.InUse), p.Realm, "in_use")
		send(descPorts, float64(p.Resting), p.Realm, "resting")
	}
	for _, r := range now.Connections {
		send(descConns, float64(r.Open), r.Realm)
		send(descConnsTotal, float64(r.Accepted), r.Realm, "accepted")
		send(descConnsTotal, float64(r.Dialled), r.Realm, "dialled")
		send(descConnsTotal, float64(r.Unreached), r.Realm, "unreached")
		send(descConnsTotal, float64(r.Refused), r.Realm, "refused")
		for cause, n := range r.Cut {
			send(descConnsCut, float64(n), r.Realm, cause)
		}
	}
	for _, b := range now.Bindings {
		send(descBindings, float64(b.Reachable), b.Endpoints, "reachable")
		send(descBindings, float64(b.Unreachable), b.Endpoints, "unreachable")
	}
	now.Turn.collect(send)
	for _, c := range now.Certificates {
		send(descExpires, float64(c.Expires.Unix()), c.File)
	}
	now.Gate.collect(send)
	if s := now.Store; s != nil {
		send(descStoreWaiting, float64(s.Waiting))
		send(descStoreFailed, float64(s.Failed))
		send(descStoreDropped, float64(s.Dropped))
	}
	for _, p := range now.Peers {
		send(descPeerCalls, float64(p.Calls), p.Peer)
	}
	for i, s := range now.Shards {
		shard := strconv.Itoa(i)
		send(descTransactions, float64(s.Transactions), shard)
		send(descTimers, float64(s.Timers), shard)
		send(descLag, s.Lag, shard)
		send(descQueue, float64(s.Queue), shard)
		send(descDropped, float64(s.Dropped), shard)
	}
	send(descRest, float64(now.RestCalls), "calls")
	send(descRest, float64(now.RestPorts), "ports")
	send(descRest, float64(now.RestTimers), "timers")
}

// collect sends what there is of the TURN service.
func (t *Turn) collect(send func(*prometheus.Desc, float64, ...string)) {
	if t == nil {
		return
	}
	up := 0.0
	if t.Up {
		up = 1
	}
	send(descTurnUp, up)
	send(descTurnRestarts, float64(t.Restarts))
	send(descTurnNow, float64(t.Allocations))
	send(descTurnTotal, float64(t.Allocated))
	send(descTurnBindings, float64(t.Bindings))
	send(descTurnOctets, float64(t.ToPeers), "peer")
	send(descTurnOctets, float64(t.ToClients), "client")
	for cause, n := range t.Refused {
		send(descTurnRefused, float64(n), cause)
	}
}

// collect sends what there is of the gate.
func (g *Gate) collect(send func(*prometheus.Desc, float64, ...string)) {
	if g == nil {
		return
	}
	send(descBans, float64(g.Bans))
	send(descBansTotal, float64(g.Banned))
	send(descPoliced, float64(g.Policed))
	for cause, n := range g.Dropped {
		send(descRefused, float64(n), "border", cause)
	}
	for cause, n := range g.Kernel {
		send(descRefused, float64(n), "kernel", cause)
	}
}
