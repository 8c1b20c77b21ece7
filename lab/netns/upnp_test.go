package netns

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sbc/lab/nat"
)

// upnpHome is a router with miniupnpd, a host behind it and one outside.
type upnpHome struct {
	router        *Router
	host, outside *Space
}

var (
	upnpPublic = netip.MustParseAddr("5.9.1.1")
	upnpHost   = netip.MustParseAddr("192.168.7.2")
)

func newUPnPHome(t *testing.T) upnpHome {
	t.Helper()
	Require(t, "nft", "miniupnpd")
	net := newSwitch(t)
	r := router(t, RouterOptions{Kind: nat.Masquerade, Uplink: net,
		Inside: netip.MustParsePrefix("192.168.7.1/24"), Outside: netip.PrefixFrom(upnpPublic, 24)})
	h := upnpHome{router: r, host: space(t, "host"), outside: space(t, "outside")}
	must(t, r.Plug(End{Space: h.host, Interface: "eth0", Addr: netip.PrefixFrom(upnpHost, 24)}))
	must(t, net.Plug(End{Space: h.outside, Interface: "eth0", Addr: netip.MustParsePrefix("5.9.1.2/24")}))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	p, err := r.ServeUPnP(ctx)
	must(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(p.Output())
		}
	})
	return h
}

// ask sends a request of NAT-PMP or PCP and returns the response.
func (h upnpHome) ask(t *testing.T, request []byte) []byte {
	t.Helper()
	c, err := h.host.Dial("udp", "192.168.7.1:5351")
	must(t, err)
	defer c.Close()
	_, err = c.Write(request)
	must(t, err)
	must(t, c.SetReadDeadline(time.Now().Add(20*time.Second)))
	b := make([]byte, 1100)
	n, err := c.Read(b)
	must(t, err)
	return b[:n]
}

// reached reports where a datagram from outside to a public port arrives:
// whether the host hears it on its port.
func (h upnpHome) reached(t *testing.T, public netip.AddrPort, port uint16) {
	t.Helper()
	in, err := h.host.ListenUDP(netip.AddrPortFrom(upnpHost, port))
	must(t, err)
	defer in.Close()
	out, err := h.outside.Dial("udp", public.String())
	must(t, err)
	defer out.Close()
	_, err = out.Write([]byte("hello"))
	must(t, err)
	must(t, in.SetReadDeadline(time.Now().Add(20*time.Second)))
	b := make([]byte, 10)
	n, _, err := in.ReadFromUDPAddrPort(b)
	if err != nil || string(b[:n]) != "hello" {
		t.Errorf("a datagram to %s: %q, %v", public, b[:n], err)
	}
}

func TestUPnPRouterSpeaksNATPMP(t *testing.T) {
	t.Parallel()
	h := newUPnPHome(t)
	// RFC 6886 section 3.2: the public address.
	got := h.ask(t, []byte{0, 0})
	if len(got) != 12 || got[1] != 128 || binary.BigEndian.Uint16(got[2:]) != 0 || netip.AddrFrom4([4]byte(got[8:12])) != upnpPublic {
		t.Fatalf("public address: %x", got)
	}
	// Section 3.3: map UDP 6000 to 6100, for a minute.
	got = h.ask(t, []byte{0, 1, 0, 0, 0x17, 0x70, 0x17, 0xd4, 0, 0, 0, 60})
	if len(got) != 16 || got[1] != 129 || binary.BigEndian.Uint16(got[2:]) != 0 {
		t.Fatalf("mapping: %x", got)
	}
	h.reached(t, netip.AddrPortFrom(upnpPublic, binary.BigEndian.Uint16(got[10:])), 6000)
}

func TestUPnPRouterSpeaksPCP(t *testing.T) {
	t.Parallel()
	h := newUPnPHome(t)
	client := netip.AddrFrom16(upnpHost.As16()).As16()
	// RFC 6887 sections 7.1 and 11.1: MAP of UDP 6000 to 6200 for a minute.
	request := []byte{2, 1, 0, 0, 0, 0, 0, 60}
	request = append(request, client[:]...)
	request = append(request, "nonce of 12.\x11\x00\x00\x00\x17\x70\x18\x38"...)
	request = append(request, make([]byte, 16)...)
	got := h.ask(t, request)
	if len(got) != 60 || got[0] != 2 || got[1] != 0x81 || got[3] != 0 {
		t.Fatalf("MAP: %x", got)
	}
	public := netip.AddrPortFrom(netip.AddrFrom16([16]byte(got[44:60])).Unmap(), binary.BigEndian.Uint16(got[42:]))
	if public.Addr() != upnpPublic {
		t.Errorf("public address %s, want %s", public.Addr(), upnpPublic)
	}
	h.reached(t, public, 6000)
}

const addPortMapping = `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>` +
	`<u:AddPortMapping xmlns:u="urn:schemas-upnp-org:service:WANIPConnection:1"><NewRemoteHost></NewRemoteHost><NewExternalPort>6300</NewExternalPort>` +
	`<NewProtocol>UDP</NewProtocol><NewInternalPort>6000</NewInternalPort><NewInternalClient>192.168.7.2</NewInternalClient><NewEnabled>1</NewEnabled>` +
	`<NewPortMappingDescription>test</NewPortMappingDescription><NewLeaseDuration>60</NewLeaseDuration></u:AddPortMapping></s:Body></s:Envelope>`

func TestUPnPRouterSpeaksUPnP(t *testing.T) {
	t.Parallel()
	h := newUPnPHome(t)
	if got := h.http(t, "GET", "/rootDesc.xml", ""); !strings.Contains(got, "WANIPConnection") {
		t.Fatalf("description: %s", got)
	}
	h.http(t, "POST", "/ctl/IPConn", addPortMapping)
	h.reached(t, netip.AddrPortFrom(upnpPublic, 6300), 6000)
}

// http asks the router by HTTP.
func (h upnpHome) http(t *testing.T, method, path, body string) string {
	t.Helper()
	c, err := h.host.Dial("tcp", "192.168.7.1:5000")
	must(t, err)
	defer c.Close()
	must(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	_, err = fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: 192.168.7.1:5000\r\nConnection: close\r\nContent-Type: text/xml\r\n"+
		"SOAPAction: \"urn:schemas-upnp-org:service:WANIPConnection:1#AddPortMapping\"\r\nContent-Length: %d\r\n\r\n%s", method, path, len(body), body)
	must(t, err)
	b, err := io.ReadAll(c)
	must(t, err)
	if !strings.HasPrefix(string(b), fmt.Sprintf("HTTP/1.1 %d", http.StatusOK)) {
		t.Fatalf("%s %s: %s", method, path, b)
	}
	return string(b)
}

// After a change of the public address miniupnpd tells the new one, and what
// was mapped is open there.
func TestUPnPRouterChangesItsAddress(t *testing.T) {
	t.Parallel()
	h := newUPnPHome(t)
	h.http(t, "POST", "/ctl/IPConn", addPortMapping)
	next := netip.MustParseAddr("5.9.1.7")
	must(t, h.router.SetPublic(next))
	await(t, "the new address", func() bool {
		got := h.ask(t, []byte{0, 0})
		return len(got) == 12 && netip.AddrFrom4([4]byte(got[8:12])) == next
	})
	h.reached(t, netip.AddrPortFrom(next, 6300), 6000)
}

// A router with an address that nobody outside can reach says so.
func TestUPnPRouterWithAReservedAddress(t *testing.T) {
	t.Parallel()
	h := newUPnPHome(t)
	must(t, h.router.SetPublic(netip.MustParseAddr("192.0.2.9")))
	await(t, "the refusal", func() bool {
		got := h.ask(t, []byte{0, 0})
		// RFC 6886 section 3.5: network failure, or no address.
		return len(got) >= 4 && binary.BigEndian.Uint16(got[2:]) == 3 || len(got) == 12 && netip.AddrFrom4([4]byte(got[8:12])) == netip.IPv4Unspecified()
	})
}
