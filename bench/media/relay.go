package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"runtime"
	"time"

	"sbc/mediarelay"
	"sbc/mediarelay/socket"
)

// An order is what the program tells itself, as the relay, to do.
type order struct {
	Calls       int
	Inside      netip.Addr
	Outside     netip.Addr
	LAN, ITSP   netip.AddrPort
	First, Last uint16
}

// An account is what the relay says at its end.
type account struct {
	Dropped     uint64
	Ports       int // in use
	Descriptors int // more than at the start
	Goroutines  int // more than at the start
}

// serveRelay is the program as the relay: an order comes in, the ports go out
// (one pair a call: inside, outside), and when anything more comes in, it
// closes everything and gives its account.
func serveRelay(in io.Reader, out io.Writer) error {
	lines := bufio.NewReader(in)
	b, err := lines.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read order: %w", err)
	}
	var o order
	if err := json.Unmarshal(b, &o); err != nil {
		return fmt.Errorf("read order: %w", err)
	}
	<-time.After(time.Millisecond) // with its first timer the runtime opens two descriptors, and keeps them
	descriptors, goroutines := openFiles(), runtime.NumGoroutine()
	e, streams, err := openRelay(o)
	if err != nil {
		return err
	}
	ports := make([][2]uint16, len(streams))
	for i, s := range streams {
		ports[i] = [2]uint16{s.Local(mediarelay.A).Port, s.Local(mediarelay.B).Port}
	}
	if err := json.NewEncoder(out).Encode(ports); err != nil {
		return fmt.Errorf("write ports: %w", err)
	}
	_, _ = lines.ReadBytes('\n') // whatever it is, it is the end

	var a account
	for _, s := range streams {
		x := s.Close()
		a.Dropped += x[0].Dropped() + x[1].Dropped()
	}
	for _, u := range e.Ports() {
		a.Ports += u.InUse
	}
	if err := e.Close(); err != nil {
		return err
	}
	a.Descriptors, a.Goroutines = openFiles()-descriptors, runtime.NumGoroutine()-goroutines
	return json.NewEncoder(out).Encode(a)
}

func openRelay(o order) (*socket.Engine, []mediarelay.Stream, error) {
	e, err := socket.New(socket.Options{Options: mediarelay.Options{
		Realms: []mediarelay.RealmPool{
			{Name: "inside", Addr: o.Inside, First: o.First, Last: o.Last},
			{Name: "outside", Addr: o.Outside, First: o.First, Last: o.Last},
		},
		Rest: time.Second,
	}})
	if err != nil {
		return nil, nil, err
	}
	streams := make([]mediarelay.Stream, o.Calls)
	for i := range streams {
		s, err := e.Open(mediarelay.Open{Session: mediarelay.SessionID(i), Realm: [2]int{0, 1}})
		if err != nil {
			return nil, nil, errors.Join(err, e.Close())
		}
		for side, far := range []netip.AddrPort{o.LAN, o.ITSP} {
			s.Set(mediarelay.Side(side), mediarelay.Remote{
				RTP: far, RTCP: netip.AddrPortFrom(far.Addr(), far.Port()+1), Sends: true, Receives: true,
			})
		}
		streams[i] = s
	}
	return e, streams, nil
}

func openFiles() int {
	d, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return -1
	}
	return len(d)
}
