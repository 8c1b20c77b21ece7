package main

import (
	"encoding/binary"
	"net/netip"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

const (
	interval = 20 * time.Millisecond // between two packets of a flow
	payload  = 160                   // octets: 20 ms of G.711
	drain    = time.Second           // how long the last packets may take
)

// A result is what one measurement gave.
type result struct {
	name     string
	sent     [2]int // by the side that sent
	came     [2]int // by the side that sent
	late     int    // packets that the load sent over 1 ms after their time
	latency  []int32
	cpu      time.Duration // of the relay; 0: there is none
	leftover string        // what the relay did not give back
}

func (r *result) lost() int { return r.sent[0] + r.sent[1] - r.came[0] - r.came[1] }

// quantile returns the latency that the share q of the packets keeps.
func (r *result) quantile(q float64) time.Duration {
	if len(r.latency) == 0 {
		return 0
	}
	return time.Duration(r.latency[int(q*float64(len(r.latency)-1))])
}

// A load sends all flows and takes what comes.
type load struct {
	ends  [2]*end
	to    [2][]unix.RawSockaddrInet4 // where each call's packets of a side go
	seq   uint16
	phase byte // in each packet, so that those of the warm-up are not counted
	r     result
	p     [12 + payload]byte
}

// newLoad returns a load for calls whose packets of side i go to to[i].
func newLoad(b *bed, to [2][]netip.AddrPort) *load {
	l := &load{ends: b.ends}
	for side := range to {
		for _, a := range to[side] {
			raw := unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: a.Addr().As4()}
			raw.Port = binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, a.Port()))
			l.to[side] = append(l.to[side], raw)
		}
	}
	return l
}

// measure sends for the warm-up and then for length, calling at before and
// after the part that counts.
func (l *load) measure(length time.Duration, at func() error) (result, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := l.send(warmUp); err != nil {
		return result{}, err
	}
	l.r = result{latency: make([]int32, 0, 2*len(l.to[0])*int(length/interval+1))}
	l.phase = 1
	if err := at(); err != nil {
		return result{}, err
	}
	if err := l.send(length); err != nil {
		return result{}, err
	}
	if err := at(); err != nil {
		return result{}, err
	}
	for end := time.Now().Add(drain); time.Now().Before(end); {
		if err := l.receive(); err != nil {
			return result{}, err
		}
	}
	slices.Sort(l.r.latency)
	return l.r, nil
}

// send keeps all flows going for d: in turn, evenly spread over the interval,
// and never asleep, since a timer is too coarse.
func (l *load) send(d time.Duration) error {
	flows := 2 * len(l.to[0])
	start := time.Now()
	for n := 0; ; {
		due := start.Add(time.Duration(n) * interval / time.Duration(flows))
		if due.Sub(start) >= d {
			return nil
		}
		if now := time.Now(); now.Before(due) {
			if err := l.receive(); err != nil {
				return err
			}
			continue
		} else if now.Sub(due) > time.Millisecond {
			l.r.late++
		}
		flow := n % flows
		if n++; flow == 0 {
			l.seq++
		}
		if err := l.packet(flow%2, flow/2); err != nil {
			return err
		}
	}
}

// packet sends one packet of a call from a side.
func (l *load) packet(side, call int) error {
	p := l.p[:]
	p[0], p[1] = 0x80, 0
	binary.BigEndian.PutUint16(p[2:], l.seq)
	binary.BigEndian.PutUint32(p[4:], uint32(l.seq)*payload)
	binary.BigEndian.PutUint32(p[8:], uint32(call*2+side+1))
	p[12], p[13] = l.phase, byte(side)
	binary.BigEndian.PutUint64(p[16:], uint64(time.Now().UnixNano()))
	if err := l.ends[side].send(&l.to[side][call], p); err != nil {
		return err
	}
	l.r.sent[side]++
	return nil
}

// receive takes what has come to both sides.
func (l *load) receive() error {
	for _, e := range l.ends {
		if _, err := e.receive(l.count); err != nil {
			return err
		}
	}
	return nil
}

func (l *load) count(b []byte, at int64) {
	if len(b) != len(l.p) || b[12] != l.phase {
		return
	}
	l.r.came[b[13]&1]++
	l.r.latency = append(l.r.latency, int32(at-int64(binary.BigEndian.Uint64(b[16:]))))
}
