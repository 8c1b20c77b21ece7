package ua

import "time"

// SetVideo offers a video line, or takes it away: its port becomes 0.
func (a *Agent) SetVideo(now time.Duration, id Call, on bool, do []Effect) []Effect {
	if !a.o.Video {
		return a.ignored(now, id, "video: the agent has none", do)
	}
	return a.reoffer(now, id, func(c *call) { c.video = on }, false, do)
}

// HoldVideo changes the direction of the video line alone: Inactive, SendOnly
// or NotHeld.
func (a *Agent) HoldVideo(now time.Duration, id Call, h Hold, do []Effect) []Effect {
	if c := a.byID(id); c == nil || !c.video {
		return a.ignored(now, id, "video: there is none", do)
	}
	return a.reoffer(now, id, func(c *call) { c.videoHold = h }, false, do)
}

// SetFax offers T.38 in the place of the audio, or the audio again.
func (a *Agent) SetFax(now time.Duration, id Call, on bool, do []Effect) []Effect {
	if !a.o.Fax {
		return a.ignored(now, id, "T.38: the agent has none", do)
	}
	return a.reoffer(now, id, func(c *call) { c.wish.fax = on }, false, do)
}

// RefuseLine lets the video line of the next offer of a call be refused with
// port 0.
func (a *Agent) RefuseLine(id Call) {
	if c := a.byID(id); c != nil {
		c.refuseLine = true
	}
}
