package oneroster

import (
	"strings"
	"time"
)

// theManifest finds out the version, and that what we read is whole.
func (r *reading) theManifest() error {
	r.mode = map[string]string{}
	users, has := r.files[usersFile]
	if !has {
		path := ""
		for _, s := range r.files {
			path = s.Path
		}
		r.stop(path, 0, whyNoUsers)
		return nil
	}
	m, there := r.files[manifest]
	if !there {
		if r.o.Version == "" {
			r.stop(users.Path, 0, whyNoManifest)
		}
		r.out.Version = r.o.Version
		return nil
	}
	said := map[string]string{}
	lines := map[string]int{}
	err := r.rows(manifest, []string{"propertyName", "value"}, []string{"propertyName", "value"}, nil, func(get func(string) string, line int) {
		name := strings.ToLower(get("propertyName"))
		value := get("value")
		if before, twice := said[name]; twice && before != value {
			r.stop(m.Path, line, whyPropTwice, name)
		}
		said[name], lines[name] = value, line
	})
	if err != nil || r.nothing {
		return err
	}
	r.version(m.Path, said["oneroster.version"], lines["oneroster.version"])
	for _, name := range ours[1:] {
		property := "file." + name
		mode := strings.ToLower(said[property])
		_, there := r.files[name]
		switch {
		case mode == "delta":
			r.stop(m.Path, lines[property], whyDelta, property)
		case mode == "bulk" && !there:
			r.stop(m.Path, lines[property], whyAbsent, name)
		case mode == "absent", mode == "":
			r.mode[name] = "absent"
			if name == usersFile || name == orgsFile || name == rolesFile && r.out.Version == "1.2" {
				r.stop(m.Path, lines[property], whyUndeclared, name)
			}
		case mode != "bulk":
			r.stop(m.Path, lines[property], whyMode, property, mode)
		}
	}
	return nil
}

func (r *reading) version(path, written string, line int) {
	written = strings.TrimPrefix(strings.ToLower(written), "v")
	switch {
	case written == "" && r.o.Version == "":
		r.stop(path, line, whyNoVersion)
	case written == "":
		r.out.Version = r.o.Version
	case written != "1.1" && written != "1.2" && written != "1.1.0" && written != "1.2.0" && written != "1.2.1":
		r.stop(path, line, whyVersion, written)
	default:
		r.out.Version = written[:3]
		if r.o.Version != "" && r.o.Version != r.out.Version {
			r.stop(path, line, whyNotVersion, r.out.Version, r.o.Version)
		}
	}
}

func (r *reading) readOrgs() error {
	columns := []string{"sourcedId", "status", "name", "type", "identifier", "parentSourcedId"}
	return r.rows(orgsFile, append(columns, "dateLastModified"), []string{"sourcedId", "name", "type"}, nil, func(get func(string) string, line int) {
		id, active, ok := r.id(orgsFile, get, line, columns)
		if !ok || !active {
			return
		}
		r.orgs[id] = &org{key: id, name: get("name"), kind: strings.ToLower(get("type")), identifier: get("identifier"), parent: get("parentSourcedId"), file: r.files[orgsFile].Path, line: line}
	})
}

func (r *reading) readUsers() error {
	columns := []string{"sourcedId", "status", "givenName", "familyName", "email", "sms", "phone", "agentSourcedIds", "orgSourcedIds", "role"}
	// Known, so that a neighbour is not taken for one of ours.
	others := []string{"dateLastModified", "enabledUser", "username", "userIds", "middleName", "identifier", "grades", "password", "userMasterIdentifier",
		"preferredGivenName", "preferredMiddleName", "preferredFamilyName", "primaryOrgSourcedId", "pronouns", "resourceSourcedIds"}
	need := []string{"sourcedId", "givenName", "familyName", "agentSourcedIds"}
	if r.out.Version == "1.1" {
		need = append(need, "role", "orgSourcedIds")
	}
	path := r.files[usersFile].Path
	return r.rows(usersFile, append(others, columns...), need, map[string]string{"agents": "agentSourcedIds", "agentIds": "agentSourcedIds", "orgs": "orgSourcedIds"}, func(get func(string) string, line int) {
		id, active, ok := r.id(usersFile, get, line, columns)
		if !ok {
			return
		}
		u := &user{Person: Person{Key: id, Last: get("familyName"), First: get("givenName"), Email: get("email"), SMS: get("sms"), Phone: get("phone"), File: path, Line: line},
			agents: r.list(path, line, get("agentSourcedIds")), gone: !active}
		if r.out.Version == "1.1" {
			// One role, in every org. What 1.2 calls roles has no place here.
			for _, o := range r.list(path, line, get("orgSourcedIds")) {
				u.roles = append(u.roles, role{name: strings.ToLower(get("role")), org: o})
			}
			if len(u.roles) == 0 {
				u.roles = []role{{name: strings.ToLower(get("role"))}}
			}
		}
		r.users[id] = u
		r.order = append(r.order, id)
	})
}

// readRoles reads what a user is where: only 1.2 has it.
func (r *reading) readRoles() error {
	if r.out.Version != "1.2" {
		return nil
	}
	if _, there := r.files[rolesFile]; !there {
		r.stop(r.files[usersFile].Path, 0, whyAbsent, rolesFile)
		return nil
	}
	columns := []string{"sourcedId", "status", "userSourcedId", "roleType", "role", "beginDate", "endDate", "orgSourcedId"}
	path := r.files[rolesFile].Path
	return r.rows(rolesFile, append(columns, "dateLastModified", "userProfileSourcedId"), []string{"sourcedId", "userSourcedId", "role", "orgSourcedId"}, nil, func(get func(string) string, line int) {
		_, active, ok := r.id(rolesFile, get, line, columns)
		if !ok || !active {
			return
		}
		from, to := r.day(path, line, get("beginDate")), r.day(path, line, get("endDate"))
		if u := r.users[get("userSourcedId")]; u != nil {
			u.roles = append(u.roles, role{strings.ToLower(get("role")), get("orgSourcedId"), from, to})
		}
	})
}

// readBirths reads the dates of birth: who is of age is told too.
func (r *reading) readBirths() error {
	columns := []string{"sourcedId", "status", "birthDate"}
	path := r.files[birthsFile].Path
	return r.rows(birthsFile, append(columns, "dateLastModified"), []string{"sourcedId", "birthDate"}, nil, func(get func(string) string, line int) {
		id, active, ok := r.id(birthsFile, get, line, columns)
		if !ok || !active {
			return
		}
		if u := r.users[id]; u != nil {
			u.Born = r.day(path, line, get("birthDate"))
		}
	})
}

func (r *reading) readClasses() error {
	columns := []string{"sourcedId", "status", "title", "classCode", "classType", "schoolSourcedId"}
	return r.rows(classFile, append(columns, "dateLastModified", "courseSourcedId", "location", "grades", "subjects", "subjectCodes", "termSourcedIds", "periods"), []string{"sourcedId", "title", "schoolSourcedId"}, nil, func(get func(string) string, line int) {
		id, active, ok := r.id(classFile, get, line, columns)
		if !ok || !active {
			return
		}
		r.classes[id] = &class{key: id, title: get("title"), code: get("classCode"), school: get("schoolSourcedId"), homeroom: strings.EqualFold(get("classType"), "homeroom"),
			pupils: map[string]Member{}, teachers: map[string]Member{}}
	})
}

func (r *reading) readEnrolments() error {
	columns := []string{"sourcedId", "status", "classSourcedId", "userSourcedId", "role", "beginDate", "endDate"}
	path := r.files[enrolFile].Path
	// Of the enrolments only their ends stay: there are as many as pupils times lessons.
	return r.rows(enrolFile, append(columns, "dateLastModified", "schoolSourcedId", "primary"), []string{"sourcedId", "classSourcedId", "userSourcedId", "role"}, nil, func(get func(string) string, line int) {
		switch status := strings.ToLower(get("status")); status {
		case "", "active":
		case "tobedeleted", "inactive":
			r.out.LeftOut++
			return
		default:
			r.refuse(path, line, nil, whyStatus, status)
			return
		}
		c, u := r.classes[get("classSourcedId")], r.users[get("userSourcedId")]
		if c == nil || u == nil {
			return
		}
		m := Member{u.Key, r.day(path, line, get("beginDate")), r.day(path, line, get("endDate"))}
		into := c.pupils
		switch strings.ToLower(get("role")) {
		case "student":
		case "teacher":
			into = c.teachers
		default:
			return
		}
		// Twice in a class: the later one is the one that holds.
		if before, twice := into[u.Key]; !twice || before.To != "" && (m.To == "" || m.To > before.To) {
			into[u.Key] = m
		}
	})
}

// day reads a date, or the date of a moment.
func (r *reading) day(path string, line int, written string) string {
	if written == "" {
		return ""
	}
	day, _, _ := strings.Cut(written, "T")
	t, err := time.Parse(time.DateOnly, day)
	if err != nil || t.Year() < 1900 {
		r.refuse(path, line, nil, whyDate, written)
		return ""
	}
	return t.Format(time.DateOnly)
}
