package e2e

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"sbc/signaling/sip"
)

// acceptable are the messages in text as our parser reads them.
func acceptable(text string, stream bool) (list []*sip.Message, whole bool) {
	for b := []byte(text); len(b) > 0; {
		m := new(sip.Message)
		if !stream {
			if m.Parse(b) == nil && m.IsRequest() {
				list = append(list, m)
			}
			return list, true
		}
		n, err := m.ParseStream(b)
		if e, bad := err.(*sip.Error); n == 0 || bad && e.Close {
			return list, false
		}
		if b = b[n:]; err == nil && m.IsRequest() {
			list = append(list, m)
		}
	}
	return list, true
}

// throw sends each text in a datagram from the ITSP and returns what the SBC
// should have read.
func (w *world) throw(texts []string) (came []*sip.Message) {
	w.t.Helper()
	conn, err := w.itsp.space.ListenUDP(w.itsp.at(sipPort))
	w.must(err)
	target := net.UDPAddrFromAddrPort(netip.AddrPortFrom(outsideAddr, sipPort))
	var reader sync.WaitGroup
	reader.Go(func() {
		b := make([]byte, 65536)
		for {
			n, _, err := conn.ReadFromUDP(b)
			if err != nil {
				return
			}
			if ack := ackFor(b[:n]); ack != nil {
				_, _ = conn.WriteToUDP(ack, target)
			}
		}
	})
	w.t.Cleanup(func() {
		conn.Close()
		reader.Wait()
	})
	for i, text := range texts {
		_, err := conn.WriteToUDP([]byte(text), target)
		w.must(err)
		list, _ := acceptable(text, false)
		if came = append(came, list...); i%20 == 19 {
			came = append(came, w.marker(i, udp4, func(b []byte) error {
				_, err := conn.WriteToUDP(b, target)
				return err
			}))
		}
	}
	return came
}

// marker sends a right message and waits until it has crossed: the SBC has
// read all that came before it.
func (w *world) marker(i int, n network, send func([]byte) error) *sip.Message {
	w.t.Helper()
	text := strings.ReplaceAll(rightMessage(4*i, n), "odd", "marker")
	m := new(sip.Message)
	w.must(m.Parse([]byte(text)))
	w.must(send([]byte(text)))
	w.await(fmt.Sprintf("marker %d to cross", i), func() bool {
		return slices.ContainsFunc(w.forwarded(), func(f *sip.Message) bool { return crossing(f) == crossing(m) })
	})
	return m
}

// pour sends the texts over connections from the ITSP, in pieces of any
// length. Where the SBC loses its place it closes, and the next connection
// begins with the next text.
func (w *world) pour(texts []string) (came []*sip.Message) {
	w.t.Helper()
	draw := rand.New(rand.NewPCG(3, 3))
	conn := w.dialBorder()
	for i, text := range texts {
		list, whole := acceptable(text, true)
		came = append(came, list...)
		if conn.put(text, whole, draw); !whole {
			<-conn.gone
			conn = w.dialBorder()
		}
		if i%20 == 19 {
			came = append(came, w.marker(i, tcp4, func(b []byte) error {
				conn.put(string(b), true, draw)
				return nil
			}))
		}
	}
	return came
}

// A poured is a connection to the SBC.
type poured struct {
	net.Conn
	gone chan struct{} // closed when the SBC has ended its direction
	mu   sync.Mutex    // so that no ACK comes into the middle of a message
}

// put writes a text in pieces. Where it leaves the SBC in the middle of
// something, it is the last on the connection.
func (p *poured) put(text string, whole bool, draw *rand.Rand) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for b := []byte(text); len(b) > 0; {
		n := 1 + draw.IntN(len(b))
		if _, err := p.Write(b[:n]); err != nil {
			break // the SBC has closed before the end
		}
		b = b[n:]
	}
	if !whole {
		_ = p.Conn.(*net.TCPConn).CloseWrite()
	}
}

// dialBorder opens a connection on which INVITEs get their ACK.
func (w *world) dialBorder() *poured {
	w.t.Helper()
	conn, err := w.itsp.space.Dial("tcp", netip.AddrPortFrom(outsideAddr, sipPort).String())
	w.must(err)
	p := &poured{Conn: conn, gone: make(chan struct{})}
	go func() {
		defer close(p.gone)
		var have []byte
		for b := make([]byte, 65536); ; {
			n, err := conn.Read(b)
			have = append(have, b[:n]...)
			var m sip.Message
			for n, err := m.ParseStream(have); n > 0; n, err = m.ParseStream(have) {
				if ack := ackFor(have[:n]); err == nil && ack != nil {
					p.mu.Lock()
					_, _ = conn.Write(ack)
					p.mu.Unlock()
				}
				have = slices.Clone(have[n:])
			}
			if err != nil {
				if err != io.EOF {
					conn.Close()
				}
				return
			}
		}
	}()
	w.t.Cleanup(func() {
		conn.Close()
		<-p.gone
	})
	return p
}

// ackFor returns the ACK for a response other than 2xx to an INVITE, nil for
// anything else (RFC 3261 section 17.1.1.3).
func ackFor(b []byte) []byte {
	var m sip.Message
	if m.Parse(b) != nil || m.IsRequest() || m.Method() != sip.INVITE || m.Status() < 300 {
		return nil
	}
	text := func(s sip.Span) string { return string(m.Bytes(s)) }
	return fmt.Appendf(nil, "ACK sip:x@198.51.100.1 SIP/2.0\r\nVia: %s\r\nMax-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d ACK\r\nContent-Length: 0\r\n\r\n",
		text(m.Via().Value), text(m.From().Value), text(m.To().Value), text(m.CallID()), m.CSeq())
}
