package public

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/huin/goupnp"
	"github.com/huin/goupnp/dcps/internetgateway2"
	"github.com/huin/goupnp/soap"
)

// A wan is what the services of a gateway that know about addresses and ports
// have in common: WANIPConnection 1 and 2, WANPPPConnection 1.
type wan interface {
	GetExternalIPAddressCtx(ctx context.Context) (string, error)
	AddPortMappingCtx(ctx context.Context, remote string, external uint16, protocol string, internal uint16, client string, enabled bool, description string, seconds uint32) error
	DeletePortMappingCtx(ctx context.Context, remote string, external uint16, protocol string) error
	GetSpecificPortMappingEntryCtx(ctx context.Context, remote string, external uint16, protocol string) (internal uint16, client string, enabled bool, description string, seconds uint32, err error)
}

// An upnp is a UPnP gateway in use.
type upnp struct {
	local, router netip.Addr
	realm         string
	wan           wan
}

// errNoService: a router that answers and has no service for us.
var errNoService = errors.New("the router speaks UPnP, but maps no ports (no WANIPConnection or WANPPPConnection that answers)")

func newUPnP(ctx context.Context, o *Options, gateway netip.Addr, _ []port) (way, error) {
	if !o.Local.Is4() || !gateway.Is4() {
		return nil, errFamily
	}
	u := &upnp{local: o.Local, router: gateway, realm: o.Realm}
	err := search(ctx, o.Local, gateway, o.search, func(at *url.URL) bool { return u.describe(ctx, at) == nil })
	if u.wan != nil { // one that answers, if perhaps with an address that is refused
		return u, nil
	}
	return nil, err
}

func (u *upnp) by() string { return fmt.Sprintf("UPnP router %s", u.router) }

// largestXML bounds what is read of an answer of a router.
const largestXML = 256 << 10

// client speaks HTTP to the router and to nobody else, from the local address.
func (u *upnp) client() http.Client {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: u.local.AsSlice()}, Timeout: patience}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		if to, err := netip.ParseAddrPort(address); err != nil || to.Addr().Unmap() != u.router {
			return nil, fmt.Errorf("%s is not the router: refused", address)
		}
		return d.DialContext(ctx, network, address)
	}
	return http.Client{
		Transport:     limited{&http.Transport{DialContext: dial, DisableKeepAlives: true, MaxResponseHeaderBytes: 16 << 10}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       2 * patience,
	}
}

// limited is a transport whose answers end at largestXML.
type limited struct{ http.RoundTripper }

func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := l.RoundTripper.RoundTrip(r)
	if err == nil {
		answer.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(answer.Body, largestXML), answer.Body}
	}
	return answer, err
}

// describe reads a device's description and takes its first service that says
// a public address; failing that, one that answers at all.
func (u *upnp) describe(ctx context.Context, at *url.URL) error {
	root, err := u.fetch(ctx, at)
	if err != nil {
		return err
	}
	for _, w := range u.services(root, at) {
		text, err := w.GetExternalIPAddressCtx(ctx)
		if err != nil {
			continue
		}
		addr, _ := netip.ParseAddr(text)
		if good := judge(addr, u.local, u.by()) == nil; good || u.wan == nil {
			u.wan = w
			if good {
				return nil
			}
		}
	}
	return errNoService
}

func (u *upnp) fetch(ctx context.Context, at *url.URL) (*goupnp.RootDevice, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	c := u.client()
	answer, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("its description: %.40q", answer.Status)
	}
	root := &goupnp.RootDevice{}
	d := xml.NewDecoder(answer.Body)
	d.DefaultSpace = goupnp.DeviceXMLNamespace
	if err := d.Decode(root); err != nil {
		return nil, fmt.Errorf("its description: %w", err)
	}
	base := at
	if b, err := url.Parse(root.URLBaseStr); err == nil && root.URLBaseStr != "" {
		base = b
	}
	root.SetURLBase(base)
	return root, nil
}

// services returns the services of use in a description, the best first.
func (u *upnp) services(root *goupnp.RootDevice, at *url.URL) (list []wan) {
	of := func(kind string) (clients []goupnp.ServiceClient) {
		// An error says that there is none.
		all, _ := goupnp.NewServiceClientsFromRootDevice(root, at, kind)
		for _, c := range all {
			if leadsTo(&c.SOAPClient.EndpointURL, u.router) == nil {
				c.SOAPClient.HTTPClient = u.client()
				clients = append(clients, c)
			}
		}
		return clients
	}
	for _, c := range of(internetgateway2.URN_WANIPConnection_2) {
		list = append(list, &internetgateway2.WANIPConnection2{ServiceClient: c})
	}
	for _, c := range of(internetgateway2.URN_WANIPConnection_1) {
		list = append(list, &internetgateway2.WANIPConnection1{ServiceClient: c})
	}
	for _, c := range of(internetgateway2.URN_WANPPPConnection_1) {
		list = append(list, &internetgateway2.WANPPPConnection1{ServiceClient: c})
	}
	return list
}

func (u *upnp) look(ctx context.Context, _ port, m Mapping) (addr netip.Addr, lost bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	text, err := u.wan.GetExternalIPAddressCtx(ctx)
	if err != nil {
		return addr, false, faultOf(ctx, err)
	}
	if text == "" {
		return addr, false, errors.New("it has no connection or no public address itself")
	}
	if addr, err = netip.ParseAddr(text); err != nil {
		return netip.Addr{}, false, fmt.Errorf("its answer names no address, but %.40q", text)
	}
	return addr.Unmap(), u.lost(ctx, m), nil
}

// lost asks whether the router still has a mapping that it gave: UPnP has no
// epoch. An answer that says nothing is a no.
func (u *upnp) lost(ctx context.Context, m Mapping) bool {
	if m.External == 0 {
		return false
	}
	internal, client, _, _, _, err := u.wan.GetSpecificPortMappingEntryCtx(ctx, "", m.External, upper(m.Local.Transport))
	if err != nil {
		return code(err) == faultNoEntry
	}
	return internal != m.Local.Port || client != u.local.String()
}

func upper(t Transport) string {
	if t == TCP {
		return "TCP"
	}
	return "UDP"
}

// conflicts is how many external ports are tried when others have the first.
const conflicts = 4

func (u *upnp) add(ctx context.Context, want port, m Mapping) (grant, error) {
	external := want.Port.Port
	if m.External != 0 {
		external = m.External
	}
	var err error
	for range conflicts {
		var g grant
		if g, err = u.addAs(ctx, want, external); err == nil {
			return g, nil
		}
		if want.same || code(err) != faultConflict {
			break
		}
		external = uint16(1024 + rand.IntN(65536-1024))
	}
	return grant{}, faultOf(ctx, err)
}

// addAs asks for one external port; of a router that knows permanent mappings
// only, for one.
func (u *upnp) addAs(ctx context.Context, want port, external uint16) (grant, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	description := fmt.Sprintf("sbc %.40s %s", u.realm, want.Port)
	add := func(seconds uint32) error {
		return u.wan.AddPortMappingCtx(ctx, "", external, upper(want.Transport), want.Port.Port, u.local.String(), true, description, seconds)
	}
	err := add(uint32(lifetime / time.Second))
	if code(err) == faultPermanent {
		return grant{external: external}, add(0)
	}
	return grant{external: external, lifetime: lifetime}, err
}

func (u *upnp) remove(ctx context.Context, m Mapping) error {
	return faultOf(ctx, u.wan.DeletePortMappingCtx(ctx, "", m.External, upper(m.Local.Transport)))
}

// Error codes of WANIPConnection:2 section 2.5 that we act upon.
const (
	faultNoEntry   = 714
	faultConflict  = 718
	faultPermanent = 725
)

var faultWords = map[int]string{
	501: "the action failed", 606: "it is not allowed: allow it in the router",
	faultNoEntry: "it has no such mapping", faultConflict: "another host has this external port",
	724: "it wants the same port inside and outside", faultPermanent: "it makes permanent mappings only",
	728: "it has no port left", 729: "this port is the router's own or another host's", 732: "the port is out of range",
}

// code returns the UPnP error code in an error, 0: none.
func code(err error) int {
	var fault *soap.SOAPFaultError
	if errors.As(err, &fault) {
		return fault.Detail.UPnPError.Errorcode
	}
	return 0
}

// faultOf puts an error into the operator's words. What the router wrote
// itself is left out: it may be anything.
func faultOf(ctx context.Context, err error) error {
	switch c := code(err); {
	case err == nil:
		return nil
	case c != 0 && faultWords[c] != "":
		return fmt.Errorf("UPnP error %d: %s", c, faultWords[c])
	case c != 0:
		return fmt.Errorf("UPnP error %d", c)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return errSilent
	}
	return fmt.Errorf("%.200s", err.Error())
}
