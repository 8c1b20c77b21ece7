package transport

// Ours: 64 octets are more than what a message of 16 KiB grows by: 14 by a
// frame, 29 by a record of TLS 1.2; a longer one has more records.
const sealOverhead = 64

// sendSealed is send where what is written is not the message itself. What is
// sealed has to leave, in its order: who has no room for it is refused before.
// mu is held.
func (c *conn) sendSealed(token uint64, b []byte) error {
	size := len(b) + sealOverhead*(1+len(b)/(16<<10))
	if c.writing && (c.queue.left()+size > c.t.opt.Queue || c.t.held.Load()+int64(size) > int64(c.t.opt.Memory)) {
		return c.full()
	}
	if c.is(dialling) {
		c.queue.add(b, token)
		c.t.held.Add(int64(len(b)))
		return nil
	}
	op := byte(opText)
	if c.t.opt.WebSocket != nil {
		op = opcodeOf(b)
	}
	out := c.seal(op, b)
	if out == nil {
		c.stopLocked(cuts)
		return errGone
	}
	defer out.free()
	n, ok := c.offer(out.b)
	if !ok {
		c.stopLocked(cuts)
		return errGone
	}
	if n == len(out.b) {
		c.t.n.sent.Add(1)
		return nil
	}
	c.t.held.Add(int64(len(out.b) - n))
	c.queue.add(out.b[n:], token)
	c.busy()
	return nil
}

// seal makes of a message, or of the payload of a control frame, what is
// written. nil: the session of TLS is at its end. mu is held, or c is not up.
func (c *conn) seal(op byte, b []byte) *sealed {
	var frame *sealed
	if c.t.opt.WebSocket != nil {
		frame = seals.Get().(*sealed)
		frame.b = appendFrame(frame.b, op, b)
		b = frame.b
	}
	if c.tls == nil {
		return frame
	}
	out := c.tls.seal(b)
	frame.free()
	return out
}

// offer gives b to the kernel, if nothing waits before it, and returns how much
// of it was taken. False: the connection is broken. mu is held.
func (c *conn) offer(b []byte) (int, bool) {
	if c.writing {
		return 0, true
	}
	n, errno := c.push(b)
	return n, errno == 0 || again(errno)
}

// control writes what belongs to no message. False: it cannot be written. mu is
// held.
func (c *conn) control(out *sealed) bool {
	if out == nil {
		return false
	}
	defer out.free()
	if c.queue.left()+len(out.b) > c.t.opt.Queue {
		return false
	}
	n, ok := c.offer(out.b)
	if rest := out.b[n:]; ok && len(rest) > 0 {
		c.t.held.Add(int64(len(rest)))
		c.queue.addControl(rest)
		c.busy()
	}
	return ok
}

// answer sends a frame by itself. False: c ended.
func (c *conn) answer(op byte, payload []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.is(up) {
		return false
	}
	if !c.control(c.seal(op, payload)) {
		c.stopLocked(CutFull)
		return false
	}
	return true
}

// respond writes what crypto/tls has to say by itself: new keys. It is taken
// with mu held, as all else that is sealed: octets leave in the order in which
// their records were numbered.
func (c *conn) respond() {
	if !c.tls.speaks() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.tls.take()
	if out == nil || !c.is(up) {
		out.free()
	} else if !c.control(out) {
		c.stopLocked(CutFull)
	}
}

// farewell says to the far end that nothing more comes: a close frame (RFC 6455
// section 7.1.2), a close_notify (RFC 8446 section 6.1). mu is held.
func (c *conn) farewell(code uint16) {
	if !c.layers {
		return
	}
	var last *sealed
	if c.t.opt.WebSocket != nil {
		last = seals.Get().(*sealed)
		last.b = appendClose(last.b, code)
	}
	if c.tls != nil {
		if last != nil {
			_, _ = c.tls.tls.Write(last.b)
			last.free()
		}
		_ = c.tls.tls.CloseWrite()
		last = c.tls.take()
	}
	c.control(last)
}

// sealQueue seals what waited for the handshake. mu is held.
func (c *conn) sealQueue() {
	if c.tls == nil || c.queue.left() == 0 {
		return
	}
	before, plain, marks, at := c.queue.left(), c.queue.take(), c.queue.marks, uint64(0)
	c.queue = queue{}
	for _, m := range marks {
		out := c.seal(opText, plain[at:m.end])
		if out == nil {
			out = new(sealed) // the writer will see that it is broken
		}
		c.queue.add(out.b, m.token)
		out.free()
		at = m.end
	}
	c.t.held.Add(int64(c.queue.left() - before))
	c.moved.Store(int64(c.t.now()))
}
