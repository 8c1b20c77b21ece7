package transport

// begin takes what came together with the end of the handshakes. False: c is
// not to be read on.
func (c *conn) begin() bool {
	in := &c.in
	in.s, in.got = scratches.Get().(*scratch), false
	v := c.feed(in.early, in.s)
	in.early = nil
	if v == going {
		v = c.decode(nil)
	}
	c.putBack()
	return c.judge(v)
}

// decode takes octets from the socket.
func (c *conn) decode(b []byte) verdict {
	if c.tls == nil {
		return c.feed(b, c.in.s)
	}
	p := scratches.Get().(*scratch)
	v := c.tls.open(b, p, func(plain []byte) verdict { return c.feed(plain, p) })
	scratches.Put(p)
	if v == going {
		c.respond()
	}
	return v
}

// feed takes octets of messages. s lends a Message.
func (c *conn) feed(b []byte, s *scratch) verdict {
	if c.in.ws != nil {
		return c.in.ws.feed(b, s, c)
	}
	return c.in.frames.feed(b, s, c)
}

// kept returns the octets that are kept of a message that is not whole, and
// whether one has begun: of a record, too, that may hold one.
func (c *conn) kept() (octets int, begun bool) {
	in := &c.in
	octets, begun = cap(in.frames.part), len(in.frames.part) > 0
	if in.ws != nil {
		octets, begun = cap(in.ws.part), in.ws.begun()
	}
	return octets, begun || c.tls != nil && c.tls.partial()
}

// condemn ends c for what it sent. On plain TCP nobody would understand why.
func (c *conn) condemn(v verdict) {
	end := verdicts[v]
	switch {
	case v == over && !c.layers:
		c.end()
	case v == over && c.in.ws != nil && c.in.ws.code != 0:
		c.dismiss(cuts, c.in.ws.code, false)
	case v == over:
		c.dismiss(cuts, codeNormal, false)
	case c.layers:
		c.dismiss(end.why, end.code, v == garbled)
	default:
		c.cut(end.why)
	}
}

// dismiss ends c in good order: the far end is told, and has the time to read
// it and to say the same. alert: crypto/tls has told it already.
func (c *conn) dismiss(why Cut, code uint16, alert bool) {
	c.mu.Lock()
	if c.is(up) {
		if why < cuts {
			c.t.n.cut[why].Add(1)
		}
		if alert {
			c.control(c.tls.take())
			c.state.Store(uint32(closing))
		}
		c.conclude(code)
	}
	c.mu.Unlock()
	c.drain()
}

// pinged is called by the reader of frames: RFC 6455 section 5.5.2.
func (c *conn) pinged(payload []byte) {
	if c.mayPong() && c.answer(opPong, payload) {
		c.t.n.pings.Add(1)
	}
}

// pongs is called by the reader of frames: RFC 5626 section 4.4.1, in a message
// of a WebSocket.
func (c *conn) pongs(text bool) {
	op := byte(opBinary)
	if text {
		op = opText
	}
	if c.mayPong() && c.answer(op, pong) {
		c.t.n.pings.Add(1)
	}
}
