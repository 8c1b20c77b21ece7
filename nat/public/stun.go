package public

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"sbc/nat"
)

// stunPace is RFC 8489 section 6.2.1: RTO 500 ms, Rc 7, Rm 16; 39.5 s in all.
var stunPace = pace{first: 500 * time.Millisecond, count: 7, last: 8 * time.Second}

// A stun is a STUN server in use.
type stun struct {
	local  netip.Addr
	server string // host:port, as the configuration names it
	pace   pace
	last   netip.AddrPort // who answered last
}

// stunPort is the default port (RFC 8489 section 18.6).
const stunPort = 3478

func newSTUN(_ context.Context, o *Options, server string) (way, error) {
	return &stun{local: o.Local, server: server, pace: stunPace}, nil
}

func (s *stun) by() string {
	if !s.last.IsValid() || s.last.String() == s.server {
		return "STUN server " + s.server
	}
	return fmt.Sprintf("STUN server %s (%s)", s.server, s.last)
}

// tries bounds the addresses of one name that are asked.
const tries = 3

// look asks the addresses of the server's name, one after the other, until
// one answers.
func (s *stun) look(ctx context.Context, _ port, _ Mapping) (addr netip.Addr, lost bool, err error) {
	servers, err := s.resolve(ctx)
	if err != nil {
		return addr, false, err
	}
	for _, server := range servers[:min(len(servers), tries)] {
		if addr, err = s.ask(ctx, server); err == nil {
			s.last = server
			return addr, false, nil
		}
		err = fmt.Errorf("STUN server %s (%s): %w", s.server, server, err)
	}
	return addr, false, err
}

// resolve looks the name up each time: a server may move.
func (s *stun) resolve(ctx context.Context) (list []netip.AddrPort, err error) {
	host, number, err := net.SplitHostPort(s.server)
	port := uint64(stunPort)
	if err != nil {
		host = s.server
	} else if port, err = strconv.ParseUint(number, 10, 16); err != nil {
		return nil, fmt.Errorf("STUN server %s: not a port", s.server)
	}
	network := "ip4"
	if s.local.Is6() {
		network = "ip6"
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, network, host)
	if err != nil {
		return nil, fmt.Errorf("STUN server %s: its name is not found: %w", s.server, err)
	}
	for _, a := range addrs {
		list = append(list, netip.AddrPortFrom(a.Unmap(), uint16(port)))
	}
	return list, nil
}

// ask does one Binding transaction.
func (s *stun) ask(ctx context.Context, server netip.AddrPort) (addr netip.Addr, err error) {
	var id nat.Transaction
	rand.Read(id[:])
	request := nat.AppendBindingRequest(nil, id)
	err = exchange(ctx, s.local, server, s.pace, request, func(b []byte) (bool, error) {
		m := nat.STUN(b)
		if m.Check(&nat.BindingClient) != nat.STUNFine || !m.Answers(id) {
			return false, nil
		}
		if m.Class() == nat.ClassError {
			status, _, _ := m.ErrorCode()
			return true, fmt.Errorf("it answers with error %d", status)
		}
		mapped, ok := m.Mapped()
		if !ok {
			return true, errors.New("its answer names no address")
		}
		addr = mapped.Addr()
		return true, nil
	})
	return addr, err
}

func (s *stun) add(context.Context, port, Mapping) (grant, error) { return grant{}, errNoMapping }
func (s *stun) remove(context.Context, Mapping) error             { return nil }
