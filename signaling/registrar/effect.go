package registrar

// A Do is what an Effect asks for.
type Do uint8

// The effects.
const (
	Reach     Do = iota + 1 // the phone of a binding is behind Flow
	Unreach                 // it is not, or not any more
	Moved                   // it was behind Old and is behind Flow: its calls follow
	Save                    // Record is to be kept under Serial
	Delete                  // nothing is to be kept under Serial
	KeepAlive               // an OPTIONS is to be sent by Flow; its answer goes to KeptAlive
)

var doNames = [...]string{Reach: "reach", Unreach: "unreach", Moved: "moved", Save: "save", Delete: "delete", KeepAlive: "keep alive"}

// String returns the effect as tests and logs show it.
func (d Do) String() string {
	if int(d) < len(doNames) && d > 0 {
		return doNames[d]
	}
	return "unknown"
}

// An Effect is something to be done, in order, before the next event.
type Effect struct {
	Do        Do
	Endpoints int
	Serial    uint64
	AOR       string // "sip:user@host"
	Flow      Flow
	Old       Flow   // of Moved
	Record    []byte // of Save: valid until the next call
}

// A Verdict is what becomes of a REGISTER: an answer of ours, or its way to the
// PBX.
type Verdict struct {
	// Status of our answer; 0: the REGISTER goes to the PBX.
	Status int
	// Cause labels the counter of a refusal; "": none.
	Cause string
	// Fields are complete lines. Of an answer: those that AppendResponse adds. Of
	// what goes to the PBX: they replace all Contact, Expires and Path fields.
	Fields []byte
	// Bare says that what goes to the PBX goes without its credentials.
	Bare bool
	// Key names what went to the PBX, for Answered.
	Key uint64
	// Effects are to be carried out in any case.
	Effects []Effect
}

// A Reply is what a phone gets for a response of the PBX.
type Reply struct {
	// Status of the response; 0: the phone gets nothing.
	Status int
	// Own says that the response is made here and not the PBX's.
	Own bool
	// Fields are complete lines. They replace all Contact, Expires, Path and
	// Service-Route fields of the PBX's response; all others pass.
	Fields  []byte
	Effects []Effect

	// Wrong says that credentials were refused which answered a challenge that had
	// gone to Flow: whoever is there has tried a password that is none.
	Wrong bool
	Flow  Flow
}

func (r *Registrar) emit(do Do, b *binding) *Effect {
	r.do = append(r.do, Effect{Do: do, Endpoints: int(b.aor.ep), Serial: b.serial, AOR: b.aor.name(), Flow: b.flow})
	return &r.do[len(r.do)-1]
}

// save asks for b to be kept.
func (r *Registrar) save(b *binding) {
	begin := len(r.records)
	r.records = r.appendRecord(r.records, b)
	r.emit(Save, b).Record = r.records[begin:len(r.records):len(r.records)]
}

// begin starts an event: what the last one returned is no longer valid.
func (r *Registrar) begin() {
	clear(r.do)
	r.do, r.records, r.out = r.do[:0], r.records[:0], r.out[:0]
}
