// Package classroom is the class of a sitting that some pupils follow from home: who may
// enter it, who is there, hands and words, and who may speak. It needs no sound and no picture;
// where there is an engine for them, the engine follows what is said here.
//
// Its promise: nobody enters by a link. A class is entered from its sitting, by account: who is
// in charge, and the pupils enrolled in it; anybody else of the school asks, and waits for the
// teacher. Enrolment and removal are looked at again at each request and each event stream. A
// pupil acts on nobody. Hands are in the order in which they were raised, and what is written
// is kept with the lesson.
//
// Words: a class is a sitting that somebody asked to enter. A part is what somebody is in it:
// teacher (in charge of the sitting), pupil (enrolled) or guest. An arrival is somebody's first
// request to enter; presence is from when to when they were seen. A break is a line that went
// and came back by itself. The floor is what somebody may send: microphone, camera, screen.
package classroom

import (
	"errors"
	"time"

	"github.com/uptrace/bun"
)

// Part is what somebody is in a class.
type Part string

// Parts.
const (
	Teacher Part = "teacher"
	Pupil   Part = "pupil"
	Guest   Part = "guest"
)

// State of somebody's entry.
type State string

// States.
const (
	In      State = "in"
	Asked   State = "asked" // in the lobby
	Refused State = "refused"
	Removed State = "removed"
)

// Talk says who may write.
type Talk string

// Who may write: nobody but the teacher; everybody, to the teacher; everybody, to all.
const (
	TalkOff     Talk = "off"
	TalkTeacher Talk = "teacher"
	TalkAll     Talk = "all"
)

// Class is a sitting as a class at home.
type Class struct {
	bun.BaseModel `bun:"table:classroom_classes,alias:cl"`
	School        string `bun:",pk"`
	Sitting       string `bun:",pk"`
	MadeAt        time.Time
	OpenedAt      time.Time `bun:",nullzero"` // zero: nobody in charge has entered yet
	OpenedBy      string
	Talk          Talk
	Microphones   bool      // everybody may open theirs
	LockedAt      time.Time `bun:",nullzero"`
	EndedAt       time.Time `bun:",nullzero"`
	Version       int64
}

// Entry is somebody who asked to enter.
type Entry struct {
	bun.BaseModel `bun:"table:classroom_people,alias:cp"`
	School        string `bun:",pk"`
	Sitting       string `bun:",pk"`
	Person        string `bun:",pk"`
	Part          Part
	State         State
	AskedAt       time.Time // the arrival
	SettledBy     string
	SettledAt     time.Time `bun:",nullzero"`
}

// Presence is one stay of somebody in a class.
type Presence struct {
	bun.BaseModel `bun:"table:classroom_presence,alias:pr"`
	School        string    `bun:",pk"`
	Sitting       string    `bun:",pk"`
	Person        string    `bun:",pk"`
	FromAt        time.Time `bun:",pk"`
	SeenAt        time.Time
	Breaks        int
}

// Hand is a raised hand, numbered within its class.
type Hand struct {
	bun.BaseModel `bun:"table:classroom_hands,alias:ha"`
	School        string `bun:",pk"`
	Sitting       string `bun:",pk"`
	N             int    `bun:",pk"`
	Person        string
	RaisedAt      time.Time
	LoweredAt     time.Time `bun:",nullzero"`
	LoweredBy     string
}

// Word is something written in a class, numbered within it.
type Word struct {
	bun.BaseModel `bun:"table:classroom_words,alias:wo"`
	School        string `bun:",pk"`
	Sitting       string `bun:",pk"`
	N             int    `bun:",pk"`
	Person        string
	ToAll         bool // else: to whoever is in charge
	Words         string
	At            time.Time
	HiddenAt      time.Time `bun:",nullzero"`
	HiddenBy      string
}

// Refusals of this package.
var (
	// ErrNotFound: no such class, person, hand or word.
	ErrNotFound = errors.New("classroom: not found")
	// ErrNotIn: whoever acts is not in the class, or not in charge of it.
	ErrNotIn = errors.New("classroom: not in the class, or not in charge of it")
	// ErrTalk: the teacher lets nobody write now.
	ErrTalk = errors.New("classroom: nobody may write now")
	// ErrWords: nothing was written, or too much, or too fast.
	ErrWords = errors.New("classroom: nothing was written, or too much, or too fast")
)
