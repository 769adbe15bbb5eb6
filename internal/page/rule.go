package page

import (
	"slices"
	"strings"
)

// Rule says who may use a route. The zero Rule is no rule at all, and Routes
// refuses it.
type Rule struct {
	kind  ruleKind
	roles []Role
}

type ruleKind int

const (
	noRule ruleKind = iota
	anyone
	signedIn
	only
)

// Anyone: signed in or not.
func Anyone() Rule { return Rule{kind: anyone} }

// SignedIn: whoever has a session, whatever their role.
func SignedIn() Rule { return Rule{kind: signedIn} }

// Only: these roles and no other. Without a role it is the zero Rule.
func Only(roles ...Role) Rule {
	if len(roles) == 0 {
		return Rule{}
	}
	return Rule{kind: only, roles: slices.Clone(roles)}
}

// Staff: everyone who calls rolls.
func Staff() Rule { return Only(Head, CPE, Secretary, Supervisor, Teacher) }

// SchoolLife: those who follow the day's absences: who is here, who is not, who is to be
// telephoned.
func SchoolLife() Rule { return Only(Head, CPE, Secretary, Supervisor) }

// SchoolOffice: those who also answer for it afterwards, before families and the law: the
// files, the letters, the reasons that count. A supervisor is not among them.
func SchoolOffice() Rule { return Only(Head, CPE, Secretary) }

// Infirmary: those who see pupils come and go inside the building.
func Infirmary() Rule { return Only(Head, CPE, Secretary, Supervisor, Nurse) }

// Public tells whether the rule lets somebody in who is not signed in.
func (r Rule) Public() bool { return r.kind == anyone }

// Allows tells whether a signed-in person of this role may pass.
func (r Rule) Allows(role Role) bool {
	switch r.kind {
	case anyone, signedIn:
		return true
	case only:
		return slices.Contains(r.roles, role)
	}
	return false
}

// String writes the rule for lists and failures: "anyone", "signed in",
// "head, cpe".
func (r Rule) String() string {
	switch r.kind {
	case anyone:
		return "anyone"
	case signedIn:
		return "signed in"
	case only:
		names := make([]string, len(r.roles))
		for i, role := range r.roles {
			names[i] = string(role)
		}
		return strings.Join(names, ", ")
	}
	return "no rule"
}
