package public

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// SSDP (UPnP Device Architecture 2.0 section 1.3).
const ssdpPort = 1900

var (
	ssdpGroup = netip.MustParseAddrPort("239.255.255.250:1900")
	// What gateways answer to; a version 2 device answers to 1 as well, but
	// not all that should do.
	ssdpTargets = []string{
		"urn:schemas-upnp-org:device:InternetGatewayDevice:1",
		"urn:schemas-upnp-org:device:InternetGatewayDevice:2",
	}
)

// searchFor is how long gateways may take; MX 1 tells them so.
const searchFor = 1500 * time.Millisecond

// locations bounds the descriptions that are read.
const locations = 4

// errNoUPnP: nothing in the network answered.
var errNoUPnP = errors.New("no answer to the search for a gateway (is UPnP allowed in the router?)")

// search asks the network, from local, for gateway devices. The answers of the
// router alone count, and only when they lead to the router itself: any host
// of the network can answer, and would otherwise choose whom we ask for our
// address, and what we fetch. For as long as patience, ask is called for each
// description until it says that it is content.
func search(ctx context.Context, local, router netip.Addr, patience time.Duration, ask func(*url.URL) (content bool)) error {
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, 0)))
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	for _, to := range []netip.AddrPort{ssdpGroup, netip.AddrPortFrom(router, ssdpPort)} {
		for _, target := range ssdpTargets {
			// One of the two ways is enough, so an error is no end: what is not
			// sent is not answered.
			_, _ = conn.WriteToUDPAddrPort(searchRequest(to, target), to)
		}
	}
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	return collect(ctx, conn, router, ask)
}

func searchRequest(to netip.AddrPort, target string) []byte {
	return fmt.Appendf(nil, "M-SEARCH * HTTP/1.1\r\nHOST: %s\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: %s\r\n\r\n", to, target)
}

// collect reads answers until ask is content or the time is over.
func collect(ctx context.Context, conn *net.UDPConn, router netip.Addr, ask func(*url.URL) bool) error {
	why := errNoUPnP
	var seen []string
	var buf [2048]byte
	for len(seen) < locations {
		n, from, err := conn.ReadFromUDPAddrPort(buf[:])
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return why // the time is over
		}
		if from.Addr().Unmap() != router {
			continue
		}
		at, err := location(buf[:n], router)
		if err != nil {
			why = err
			continue
		}
		if at == nil || contains(seen, at.String()) {
			continue
		}
		seen = append(seen, at.String())
		if ask(at) {
			return nil
		}
		why = errNoService
	}
	return why
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// location reads an answer. nil, nil: it is none.
func location(b []byte, router netip.Addr) (*url.URL, error) {
	r, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(b)), nil)
	if err != nil {
		return nil, nil
	}
	r.Body.Close()
	at, err := r.Location()
	if err != nil || r.StatusCode != http.StatusOK {
		return nil, nil
	}
	return at, leadsTo(at, router)
}

// leadsTo checks that a URL is the router's own.
func leadsTo(at *url.URL, router netip.Addr) error {
	host, err := netip.ParseAddr(at.Hostname())
	if err != nil || host.Unmap() != router || at.Scheme != "http" {
		return fmt.Errorf("the router's answer leads to %.100q, which is not the router: refused", at.Redacted())
	}
	return nil
}
