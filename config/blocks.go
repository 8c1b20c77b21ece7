package config

import "github.com/hashicorp/hcl/v2"

// The schema. A tag is the name in the file; *hcl.Attribute keeps the
// expression unread, with its place. docs/configuration.md describes each
// block and key, and a test compares the two. Blocks that may stand once are
// lists too, so that the names in the second are checked as well.

type fileBlock struct {
	Realms    []*realmBlock     `hcl:"realm,block"`
	Peers     []*peerBlock      `hcl:"peer,block"`
	Endpoints []*endpointsBlock `hcl:"endpoints,block"`
	Routes    []*routeBlock     `hcl:"route,block"`
	Limits    []*limitsBlock    `hcl:"limits,block"`
	Telemetry []*telemetryBlock `hcl:"telemetry,block"`
	Turn      []*turnBlock      `hcl:"turn,block"`
	Firewall  []*firewallBlock  `hcl:"firewall,block"`
	Store     []*storeBlock     `hcl:"store,block"`
	Console   []*consoleBlock   `hcl:"console,block"`
}

type realmBlock struct {
	Name      string             `hcl:"name,label"`
	NameRange hcl.Range          `hcl:"name,label_range"`
	Range     hcl.Range          `hcl:",def_range"`
	Address   *hcl.Attribute     `hcl:"address"`
	Interface *hcl.Attribute     `hcl:"interface"`
	Trust     *hcl.Attribute     `hcl:"trust"`
	NAT       *hcl.Attribute     `hcl:"nat"`
	Routed    *hcl.Attribute     `hcl:"routed"`
	Emergency *hcl.Attribute     `hcl:"emergency"`
	Listen    []*listenBlock     `hcl:"listen,block"`
	Advertise []*advertiseBlock  `hcl:"advertise,block"`
	Media     []*mediaBlock      `hcl:"media,block"`
	Topology  []*topologyBlock   `hcl:"topology,block"`
	Limits    []*peerLimitsBlock `hcl:"limits,block"`
}

type listenBlock struct {
	Transport      string         `hcl:"transport,label"`
	TransportRange hcl.Range      `hcl:"transport,label_range"`
	Range          hcl.Range      `hcl:",def_range"`
	Address        *hcl.Attribute `hcl:"address"`
	Port           *hcl.Attribute `hcl:"port"`
	Certificate    *hcl.Attribute `hcl:"certificate"`
	Key            *hcl.Attribute `hcl:"key"`
	Clients        *hcl.Attribute `hcl:"clients"`
	CA             *hcl.Attribute `hcl:"ca"`
	Usage          *hcl.Attribute `hcl:"client_usage"`
	Origins        *hcl.Attribute `hcl:"origins"`
	Connections    *hcl.Attribute `hcl:"connections"`
	PerSource      *hcl.Attribute `hcl:"per_source"`
	Also           []*alsoBlock   `hcl:"also,block"`
}

type alsoBlock struct {
	Range       hcl.Range      `hcl:",def_range"`
	Certificate *hcl.Attribute `hcl:"certificate"`
	Key         *hcl.Attribute `hcl:"key"`
}

type peerTLSBlock struct {
	Range       hcl.Range      `hcl:",def_range"`
	Name        *hcl.Attribute `hcl:"name"`
	Accept      *hcl.Attribute `hcl:"accept"`
	CA          *hcl.Attribute `hcl:"ca"`
	Certificate *hcl.Attribute `hcl:"certificate"`
	Key         *hcl.Attribute `hcl:"key"`
	Wildcard    *hcl.Attribute `hcl:"wildcard"`
}

type advertiseBlock struct {
	Range     hcl.Range      `hcl:",def_range"`
	Signaling *hcl.Attribute `hcl:"signaling"`
	Media     *hcl.Attribute `hcl:"media"`
}

type mediaBlock struct {
	Range   hcl.Range      `hcl:",def_range"`
	Address *hcl.Attribute `hcl:"address"`
	Ports   *hcl.Attribute `hcl:"ports"`
}

type topologyBlock struct {
	Range     hcl.Range      `hcl:",def_range"`
	Mask      *hcl.Attribute `hcl:"mask"`
	UserAgent *hcl.Attribute `hcl:"user_agent"`
	Pass      *hcl.Attribute `hcl:"pass"`
	Remove    *hcl.Attribute `hcl:"remove"`
	Add       *hcl.Attribute `hcl:"add"`
	Audit     *hcl.Attribute `hcl:"audit"`
	Bodies    []*bodiesBlock `hcl:"bodies,block"`
}

type bodiesBlock struct {
	Range  hcl.Range      `hcl:",def_range"`
	Pass   *hcl.Attribute `hcl:"pass"`
	Remove *hcl.Attribute `hcl:"remove"`
}

type peerBlock struct {
	Name      string             `hcl:"name,label"`
	NameRange hcl.Range          `hcl:"name,label_range"`
	Range     hcl.Range          `hcl:",def_range"`
	Realm     *hcl.Attribute     `hcl:"realm"`
	Target    *hcl.Attribute     `hcl:"target"`
	Sources   *hcl.Attribute     `hcl:"sources"`
	Domain    *hcl.Attribute     `hcl:"domain"`
	Redirect  *hcl.Attribute     `hcl:"redirect"`
	Asym      *hcl.Attribute     `hcl:"asymmetric"`
	Registers *hcl.Attribute     `hcl:"registers"`
	TLS       []*peerTLSBlock    `hcl:"tls,block"`
	Users     []*userBlock       `hcl:"user,block"`
	Tolls     []*tollsBlock      `hcl:"tolls,block"`
	Limits    []*peerLimitsBlock `hcl:"limits,block"`
}

type userBlock struct {
	Name      string         `hcl:"name,label"`
	NameRange hcl.Range      `hcl:"name,label_range"`
	Range     hcl.Range      `hcl:",def_range"`
	Password  *hcl.Attribute `hcl:"password"`
	MD5       *hcl.Attribute `hcl:"ha1"`
	SHA256    *hcl.Attribute `hcl:"ha1_sha256"`
	SHA512    *hcl.Attribute `hcl:"ha1_sha512_256"`
}

type tollsBlock struct {
	Range     hcl.Range      `hcl:",def_range"`
	Prefixes  *hcl.Attribute `hcl:"prefixes"`
	Costly    *hcl.Attribute `hcl:"costly"`
	Rate      *hcl.Attribute `hcl:"costly_rate"`
	UserCalls *hcl.Attribute `hcl:"user_calls"`
}

type authBlock struct {
	Range      hcl.Range      `hcl:",def_range"`
	Algorithms *hcl.Attribute `hcl:"algorithms"`
	Integrity  *hcl.Attribute `hcl:"integrity"`
	NonceAge   *hcl.Attribute `hcl:"nonce_age"`
}

type endpointsBlock struct {
	Name      string             `hcl:"name,label"`
	NameRange hcl.Range          `hcl:"name,label_range"`
	Range     hcl.Range          `hcl:",def_range"`
	Realm     *hcl.Attribute     `hcl:"realm"`
	Domain    *hcl.Attribute     `hcl:"domain"`
	To        *hcl.Attribute     `hcl:"to"`
	Refresh   *hcl.Attribute     `hcl:"nat_refresh"`
	Expires   *hcl.Attribute     `hcl:"expires"`
	Rate      *hcl.Attribute     `hcl:"rate"`
	Contacts  *hcl.Attribute     `hcl:"contacts"`
	File      *hcl.Attribute     `hcl:"users"`
	Users     []*userBlock       `hcl:"user,block"`
	Auth      []*authBlock       `hcl:"auth,block"`
	Tolls     []*tollsBlock      `hcl:"tolls,block"`
	Limits    []*peerLimitsBlock `hcl:"limits,block"`
}

type peerLimitsBlock struct {
	Range     hcl.Range      `hcl:",def_range"`
	Calls     *hcl.Attribute `hcl:"calls"`
	Rate      *hcl.Attribute `hcl:"rate"`
	Lines     *hcl.Attribute `hcl:"lines"`
	Bandwidth *hcl.Attribute `hcl:"bandwidth"`
	Answer    *hcl.Attribute `hcl:"answer"`
}

type routeBlock struct {
	Name      string         `hcl:"name,label"`
	NameRange hcl.Range      `hcl:"name,label_range"`
	Range     hcl.Range      `hcl:",def_range"`
	From      *hcl.Attribute `hcl:"from"`
	Match     []*matchBlock  `hcl:"match,block"`
	Number    []*numberBlock `hcl:"number,block"`
	To        *hcl.Attribute `hcl:"to"`
}

type matchBlock struct {
	Range  hcl.Range      `hcl:",def_range"`
	User   *hcl.Attribute `hcl:"user"`
	Host   *hcl.Attribute `hcl:"host"`
	Method *hcl.Attribute `hcl:"method"`
	Field  *hcl.Attribute `hcl:"field"`
}

type numberBlock struct {
	Range   hcl.Range      `hcl:",def_range"`
	Strip   *hcl.Attribute `hcl:"strip"`
	Prefix  *hcl.Attribute `hcl:"prefix"`
	Replace *hcl.Attribute `hcl:"replace"`
}

type limitsBlock struct {
	Range hcl.Range      `hcl:",def_range"`
	Calls *hcl.Attribute `hcl:"calls"`
	Ring  *hcl.Attribute `hcl:"ring_timeout"`
	Media *hcl.Attribute `hcl:"media_timeout"`
	Held  *hcl.Attribute `hcl:"held_timeout"`
	Call  *hcl.Attribute `hcl:"call_length"`
}

type telemetryBlock struct {
	Range       hcl.Range      `hcl:",def_range"`
	Listen      *hcl.Attribute `hcl:"listen"`
	LogLevel    *hcl.Attribute `hcl:"log_level"`
	LogFormat   *hcl.Attribute `hcl:"log_format"`
	TraceMemory *hcl.Attribute `hcl:"trace_memory"`
}

type turnBlock struct {
	Range       hcl.Range      `hcl:",def_range"`
	Realm       *hcl.Attribute `hcl:"realm"`
	Port        *hcl.Attribute `hcl:"port"`
	Domain      *hcl.Attribute `hcl:"domain"`
	Ports       *hcl.Attribute `hcl:"ports"`
	Secret      *hcl.Attribute `hcl:"secret"`
	Users       *hcl.Attribute `hcl:"users"`
	Allow       *hcl.Attribute `hcl:"allow"`
	Deny        *hcl.Attribute `hcl:"deny"`
	Allocations *hcl.Attribute `hcl:"allocations"`
}

type firewallBlock struct {
	Range      hcl.Range      `hcl:",def_range"`
	Engine     *hcl.Attribute `hcl:"engine"`
	Mode       *hcl.Attribute `hcl:"mode"`
	Allow      *hcl.Attribute `hcl:"allow"`
	Honeypots  *hcl.Attribute `hcl:"honeypots"`
	Users      *hcl.Attribute `hcl:"dictionary"`
	Tools      *hcl.Attribute `hcl:"scanners"`
	Weights    *hcl.Attribute `hcl:"weights"`
	Source     *hcl.Attribute `hcl:"source_rate"`
	Unknown    *hcl.Attribute `hcl:"unknown_rate"`
	Proven     *hcl.Attribute `hcl:"proven_rate"`
	PeerNew    *hcl.Attribute `hcl:"peer_rate"`
	Police     *hcl.Attribute `hcl:"police_score"`
	Ban        *hcl.Attribute `hcl:"ban_score"`
	HalfLife   *hcl.Attribute `hcl:"half_life"`
	BanFirst   *hcl.Attribute `hcl:"ban_first"`
	BanLongest *hcl.Attribute `hcl:"ban_longest"`
	Bans       *hcl.Attribute `hcl:"bans"`
}

type storeBlock struct {
	Range hcl.Range      `hcl:",def_range"`
	Path  *hcl.Attribute `hcl:"path"`
}

type consoleBlock struct {
	Range  hcl.Range      `hcl:",def_range"`
	Socket *hcl.Attribute `hcl:"socket"`
}

// A placed block has a place in the file.
type placed interface{ place() hcl.Range }

func (b *advertiseBlock) place() hcl.Range  { return b.Range }
func (b *mediaBlock) place() hcl.Range      { return b.Range }
func (b *topologyBlock) place() hcl.Range   { return b.Range }
func (b *bodiesBlock) place() hcl.Range     { return b.Range }
func (b *peerLimitsBlock) place() hcl.Range { return b.Range }
func (b *authBlock) place() hcl.Range       { return b.Range }
func (b *peerTLSBlock) place() hcl.Range    { return b.Range }
func (b *tollsBlock) place() hcl.Range      { return b.Range }
func (b *matchBlock) place() hcl.Range      { return b.Range }
func (b *numberBlock) place() hcl.Range     { return b.Range }
func (b *limitsBlock) place() hcl.Range     { return b.Range }
func (b *telemetryBlock) place() hcl.Range  { return b.Range }
func (b *turnBlock) place() hcl.Range       { return b.Range }
func (b *firewallBlock) place() hcl.Range   { return b.Range }
func (b *storeBlock) place() hcl.Range      { return b.Range }
func (b *consoleBlock) place() hcl.Range    { return b.Range }

// only returns the one block of a kind that may stand there once, or nil.
func only[B placed](r *reader, kind string, list []B) (b B) {
	if len(list) == 0 {
		return b
	}
	for _, again := range list[1:] {
		r.fail(again.place(), "Block given twice", "There is a %s block in line %d already. Put everything in one.", kind, list[0].place().Start.Line)
	}
	return list[0]
}
