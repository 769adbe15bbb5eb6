// Package directory knows the schools, the people, who belongs to which class, and
// which adult may be told about which pupil.
//
// Its promise: every field of a file is evidence, kept raw with its file, date and
// dialect, and one pure function (Entitled) decides from it who may be told. A
// court's decision wins over every file, tick and habit. Guardianship is a matter of
// one pupil and one adult: siblings are independent. An import alerts nobody.
//
// Words: a link joins a pupil and an adult. Its level is legal (a legal
// representative), carer (in charge of the pupil, no legal representative) or contact
// (to be reached). A contact point is one address of a person on one channel.
package directory

import (
	"time"

	"github.com/uptrace/bun"
)

// Kind of a person.
type Kind string

// Kinds of people.
const (
	KindPupil Kind = "pupil"
	KindAdult Kind = "adult" // guardians, carers, contacts
	KindStaff Kind = "staff"
)

// Level is what an adult is to a pupil, as the source says it.
type Level string

// Levels of a link.
const (
	Legal   Level = "legal"   // représentant légal
	Carer   Level = "carer"   // personne en charge
	Contact Level = "contact" // personne à contacter
)

// Consent to be told by SMS.
type Consent string

// Consents. Unknown counts as consent: the legal basis of an absence message is the
// school's public task; only a refusal that was given is honoured.
const (
	ConsentYes     Consent = "yes"
	ConsentNo      Consent = "no"
	ConsentUnknown Consent = "unknown"
)

// Channel of a contact point.
type Channel string

// Channels. Phone is a number that takes no SMS.
const (
	Email Channel = "email"
	SMS   Channel = "sms"
	Phone Channel = "phone"
)

// School is one school. ID is ours, UAI the ministry's.
type School struct {
	bun.BaseModel `bun:"table:directory_schools,alias:s"`
	ID            string `bun:",pk"`
	UAI           string `bun:"uai"`
	SourceKey     string
	Name          string
	ShortName     string // in GSM 03.38 characters, for messages
	Kind          string // lycee, college, primary, other
	Zone          string // IANA time zone
	Region        string // of telephone numbers, ISO 3166: FR, RE, CA
	Lang          string
	Phone         string // as people should read it
}

// Location is the school's time zone.
func (s School) Location() (*time.Location, error) { return time.LoadLocation(s.Zone) }

// Person is a pupil, an adult around pupils, or a member of staff, of one school. An
// adult with children in two schools is two persons.
type Person struct {
	bun.BaseModel `bun:"table:directory_people,alias:p"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	Kind          Kind
	Source        string // aaf, hand, fictional
	SourceKey     string
	LastName      string
	FirstName     string
	Born          string // YYYY-MM-DD; empty: not known
	Lang          string // of messages; empty: the school's
	LeftOn        string // first day on which the person no longer belongs here; empty: belongs
}

// ContactPoint is one address of a person. The address is E.164 or a mail address;
// Raw is what the source wrote.
type ContactPoint struct {
	bun.BaseModel `bun:"table:directory_contacts,alias:c"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	Person        string
	Channel       Channel
	Address       string
	Raw           string
	Source        string
	VerifiedAt    time.Time `bun:",nullzero"`
	EndedAt       time.Time `bun:",nullzero"`
	StoppedAt     time.Time `bun:",nullzero"` // since when nothing more goes to this address
	StoppedWhy    string    // of a stopped one; of one that begins again, the note that says why
}

// Link is what one source says of one pupil and one adult.
type Link struct {
	bun.BaseModel `bun:"table:directory_links,alias:l"`
	School        string `bun:",pk"`
	Pupil         string `bun:",pk"`
	Adult         string `bun:",pk"`
	Level         Level
	Kinship       string // in words: mother, father…
	Priority      int    // 0: none given
	SMSConsent    Consent
	Raw           string
	Source        string
	SourceFile    string
	SourceDate    string
	Dialect       string
	ChosenBy      string    // account that chose this carer or contact for this pupil
	ChosenAt      time.Time `bun:",nullzero"`
	EndedAt       time.Time `bun:",nullzero"`
}

// Decision is a court's decision that an adult is told nothing of a pupil.
type Decision struct {
	bun.BaseModel `bun:"table:directory_decisions,alias:d"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	Pupil         string
	Adult         string
	Reference     string // of the document
	FromOn        string // first day, YYYY-MM-DD
	UntilOn       string // last day; empty: until lifted
	RecordedBy    string
	RecordedAt    time.Time
	LiftedBy      string
	LiftedAt      time.Time `bun:",nullzero"`
}

// Objection is a pupil of age writing that the parents are no longer to be told.
type Objection struct {
	bun.BaseModel `bun:"table:directory_objections,alias:o"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	Pupil         string
	Reference     string
	RecordedBy    string
	RecordedAt    time.Time
	WithdrawnAt   time.Time `bun:",nullzero"`
}

// Group is a class (a pupil has one) or a group.
type Group struct {
	bun.BaseModel `bun:"table:directory_groups,alias:g"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	Kind          string // class, group
	Code          string
	Label         string
}

// Member says that a person is in a group from a day until another.
type Member struct {
	bun.BaseModel `bun:"table:directory_members,alias:m"`
	School        string `bun:",pk"`
	Grp           string `bun:",pk"`
	Person        string `bun:",pk"`
	FromOn        string // empty: always
	UntilOn       string // first day on which the person is no longer in it; empty: no end
}

// Task is something the office or the head has to settle about a person.
type Task struct {
	bun.BaseModel `bun:"table:directory_tasks,alias:t"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	Kind          string // see the Task constants
	Person        string
	Detail        string // what a source says of it; empty: the person says it all
	OpenedAt      time.Time
	ClosedAt      time.Time `bun:",nullzero"`
	ClosedBy      string
	Sign          string // of what an import asks about; see doublesOf
	Reason        string // of whoever closed it, in their words
}

// Kinds of tasks.
const (
	// TaskObjection: a pupil of age objected to the parents being told; the head talks
	// with the pupil, and knows that only the pupil is told now.
	TaskObjection = "objection"
	// TaskSameNumber: an adult's number is the pupil's own; verify it before it is used.
	TaskSameNumber = "same-number"
	// TaskDoubtfulLink: a file names somebody who may be this pupil's guardian, and does
	// not say it surely; look it up, add the adult by hand or not.
	TaskDoubtfulLink = "doubtful-link"
	// TaskSMSStopped: somebody asked for no more SMS; find another way to tell them.
	TaskSMSStopped = "sms-stopped"
	// TaskMailBounced: somebody's mail address takes nothing more; find another way.
	TaskMailBounced = "mail-bounced"
	// TaskVerifiedGone: the file no longer has an address that was verified to be this
	// person's; ask for the new one.
	TaskVerifiedGone = "verified-gone"
	// TaskFileDiffers: the file brings an address of a person whose addresses a hand
	// corrected. Both are used; end the wrong one, and have the file corrected.
	TaskFileDiffers = "file-differs"
	// TaskChoiceEnded: the file no longer joins the pupil and somebody who was chosen to
	// be told; nobody tells them any more.
	TaskChoiceEnded = "choice-ended"
	// TaskSamePerson: one person may be there twice, under two ids of the file; have the
	// file corrected. Both stay until then.
	TaskSamePerson = "same-person"
	// TaskSameAccount: pupils have one mail address or mobile of their own; one would read
	// what is the other's.
	TaskSameAccount = "same-account"
	// TaskSameContact: adults of several households have one number or address; one of
	// them would be told about another's child.
	TaskSameContact = "same-contact"
	// TaskStaffGuardian: an adult around pupils is called as a member of staff; if it is
	// one person, there are two accounts and two ways to be told.
	TaskStaffGuardian = "staff-guardian"
)
