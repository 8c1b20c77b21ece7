package signaling

import (
	"cmp"
	"slices"

	"sbc/signaling/b2bua"
	"sbc/signaling/registrar"
)

// RegistrationInfo is a binding as `sbc registrations` shows it.
type RegistrationInfo struct {
	Endpoints string  `json:"endpoints"`
	AOR       string  `json:"aor"`     // address-of-record
	Contact   string  `json:"contact"` // as the user agent wrote it
	State     string  `json:"state"`   // reachable, or unreachable: its flow is gone, or its time is over
	NAT       string  `json:"nat"`     // between it and us, as its messages show it
	Flow      string  `json:"flow"`    // transport and address by which it is reached
	Age       float64 `json:"age_seconds"`
	Here      float64 `json:"expires_here_seconds"`       // until it has to come again
	There     float64 `json:"expires_there_seconds"`      // until its registrar forgets it
	Interval  float64 `json:"keepalive_interval_seconds"` // as it was learned; 0: none are sent
}

// BindingCount is how many of some endpoints are registered.
type BindingCount struct {
	Endpoints   string `json:"endpoints"`
	Reachable   int    `json:"reachable"`
	Unreachable int    `json:"unreachable"`
}

// countBindings adds those of the shard.
func (s *Shard) countBindings(st *Status) {
	if s.registrar == nil {
		return
	}
	for i, c := range s.registrar.Count(s.clock()) {
		if i == len(st.Bindings) {
			st.Bindings = append(st.Bindings, BindingCount{Endpoints: s.rules.Peers()[s.opt.Endpoints[i].Peer].Name})
		}
		st.Bindings[i].Reachable += c.Reachable
		st.Bindings[i].Unreachable += c.Unreachable
	}
}

// Registrations returns all bindings, by endpoints and address-of-record.
func (e *Engine) Registrations() []RegistrationInfo {
	list := []RegistrationInfo{}
	e.each(func(s *Shard) { list = append(list, s.registrations()...) })
	slices.SortStableFunc(list, func(a, b RegistrationInfo) int {
		return cmp.Or(cmp.Compare(a.Endpoints, b.Endpoints), cmp.Compare(a.AOR, b.AOR))
	})
	return list
}

func (s *Shard) registrations() (list []RegistrationInfo) {
	if s.registrar == nil {
		return nil
	}
	for _, b := range s.registrar.List(s.clock()) {
		state := b.State.String()
		list = append(list, RegistrationInfo{
			Endpoints: s.rules.Peers()[s.opt.Endpoints[b.Endpoints].Peer].Name, AOR: b.AOR, Contact: b.Contact, State: state, NAT: b.Kind.String(),
			Flow: s.flowName(b2bua.Flow(b.Flow), b.State), Age: b.Age.Seconds(), Here: max(b.Here.Seconds(), 0), There: max(b.There.Seconds(), 0), Interval: b.Interval.Seconds(),
		})
	}
	return list
}

// flowName writes a flow for people.
func (s *Shard) flowName(f b2bua.Flow, state registrar.State) string {
	name := s.opt.Listeners[f.Listener].transport() + " " + f.Remote.String()
	if s.stream(f) && state != registrar.Reachable {
		name += " (gone)"
	}
	return name
}
