package scheduler

import (
	"errors"
	"strconv"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

// Reserved stands in the place of a name that the reader has no right to.
const Reserved = "Reserved"

// Seed names a data set of the original.
type Seed string

// The data sets. Test is two days with one booking, Development five days with
// ten random ones, Production the same without bookings.
const (
	SeedNone        Seed = "none"
	SeedTest        Seed = "test"
	SeedDevelopment Seed = "development"
	SeedProduction  Seed = "production"
)

// errUnknownSeed is returned for a seed that does not exist.
var errUnknownSeed = errors.New("scheduler: the seed must be none, test, development or production")

// day is a day as GET /days shows it.
type day struct {
	ID           int64   `json:"id"`
	Name         string  `json:"name"`
	Appointments []int64 `json:"appointments"`
	Interviewers []int64 `json:"interviewers"`
	Spots        int64   `json:"spots"`
}

// complete tells whether the day belongs into the list: the original left out
// days without slots or without interviewers.
func (d day) complete() bool { return len(d.Appointments) > 0 && len(d.Interviewers) > 0 }

type interviewer struct {
	ID     int64  `json:"id"`
	Name   string `json:"name"`
	Avatar string `json:"avatar"`
}

type slot struct {
	ID   int64  `json:"id"`
	Time string `json:"time"`
	Day  int64  `json:"day"`
}

type interview struct {
	Student     string `json:"student"`
	Interviewer int64  `json:"interviewer"`
}

// appointment is a slot with what is booked in it, as its reader may see it.
type appointment struct {
	ID        int64      `json:"id"`
	Time      string     `json:"time"`
	Interview *interview `json:"interview"`

	version int64
	hidden  bool // the name is Reserved to this reader
}

// tag is the entity tag of the appointment. The version never comes back, so a
// tag names one state; readers who see less get another tag for it.
func (a appointment) tag() string { return tagOf(a.version, a.hidden) }

func tagOf(version int64, hidden bool) string {
	t := strconv.FormatInt(version, 10)
	if hidden {
		t += "r"
	}
	return `"` + t + `"`
}

// viewer is a caller as the rules see them.
type viewer struct {
	id   string // "" for a guest
	role string
	open bool // the risk open-scheduler is accepted
}

func viewerOf(p *call.Principal, open bool) viewer {
	return viewer{id: p.IDOf(), role: p.RoleOf(), open: open}
}

// administers tells whether the viewer may change every booking.
func (v viewer) administers() bool { return v.role == "manager" || v.role == "admin" }

// hears tells whether the viewer may see appointments at all.
func (v viewer) hears() bool { return v.open || v.role != call.Guest }

// seesNames tells whether the viewer sees the names in all bookings.
func (v viewer) seesNames() bool { return v.open || v.administers() || v.role == "counsellor" }

// owns tells whether a booking is the viewer's own. The bookings of guests are
// nobody's own.
func (v viewer) owns(bookedBy string) bool { return v.id != "" && v.id == bookedBy }

func (v viewer) seesName(bookedBy string) bool { return v.seesNames() || v.owns(bookedBy) }

// mayChange tells whether the viewer may change or cancel a booking.
func (v viewer) mayChange(bookedBy string) bool {
	return v.administers() || v.owns(bookedBy) || v.open && bookedBy == ""
}

// setInterview is the one message that the socket sends of itself.
type setInterview struct {
	Type      string     `json:"type"`
	ID        int64      `json:"id"`
	Interview *interview `json:"interview"`
}

func messageFor(id int64, i *interview) ([]byte, error) {
	return strictjson.Marshal(setInterview{"SET_INTERVIEW", id, i})
}

// answerPing answers the one message that clients of the original send. It is
// the bare word, and the answer has quotes; everything else gets no answer.
func answerPing(message []byte) []byte {
	if string(message) != "ping" {
		return nil
	}
	return []byte(`"pong"`)
}

// byID encodes items as one object, keyed by their ids in the order of items:
// JavaScript writes integer keys in numeric order, and a Go map would write 10
// before 2.
func byID[T any](items []T, id func(T) int64) ([]byte, error) {
	out := append(make([]byte, 0, 2+96*len(items)), '{')
	for i, item := range items {
		value, err := strictjson.Marshal(item)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, '"')
		out = strconv.AppendInt(out, id(item), 10)
		out = append(out, '"', ':')
		out = append(out, value...)
	}
	return append(out, '}'), nil
}
