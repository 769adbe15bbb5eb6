package live

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Participant is somebody in a room now, as the engine says it.
type Participant struct {
	Person string
	Name   string
	Since  time.Time
	Sends  []Track
}

// Track is what somebody sends.
type Track struct {
	ID     string
	Source Source
	Muted  bool
}

// Source is where what is sent comes from.
type Source string

// Sources, with the engine's names.
const (
	Microphone  Source = "MICROPHONE"
	Camera      Source = "CAMERA"
	Screen      Source = "SCREEN_SHARE"
	ScreenSound Source = "SCREEN_SHARE_AUDIO"
)

// How long a room without anybody stays, and one that everybody left: long enough for an
// engine that lost everybody, short enough to forget a class that is over.
const (
	emptyStays  = 10 * 60
	leftStays   = 60
	mostInRoom  = 200
	answerLimit = 4 << 20
)

// Open makes the room, or finds that it is there: one that a dead engine had is made again by
// the first who comes back to it.
func (e *Engine) Open(ctx context.Context, room string) error {
	return e.call(ctx, room, "CreateRoom", map[string]any{"name": room, "emptyTimeout": emptyStays, "departureTimeout": leftStays, "maxParticipants": mostInRoom}, nil)
}

// Close ends a room: everybody in it is out. Whoever may still enter makes it again, so the
// one who decides stops letting them in before.
func (e *Engine) Close(ctx context.Context, room string) error {
	err := e.call(ctx, room, "DeleteRoom", map[string]any{"room": room}, nil)
	if errors.Is(err, errNotThere) {
		return nil
	}
	return err
}

// Floor changes what somebody in the room may send; what they may no longer send is cut at
// once. It holds for as long as they stay: at their next connection the proxy asks again.
func (e *Engine) Floor(ctx context.Context, room, person string, g Grants) error {
	sources := g.sources()
	for i, s := range sources {
		sources[i] = engineName[s]
	}
	return e.call(ctx, room, "UpdateParticipant", map[string]any{"room": room, "identity": person, "permission": map[string]any{
		"canSubscribe": true, "canPublish": len(sources) > 0, "canPublishData": false, "canUpdateMetadata": false, "canPublishSources": sources}}, nil)
}

// engineName is what the calls call a source of the tokens.
var engineName = map[string]string{"microphone": "MICROPHONE", "camera": "CAMERA", "screen_share": "SCREEN_SHARE", "screen_share_audio": "SCREEN_SHARE_AUDIO"}

// Mute silences what somebody sends from that source now. They may open it again unless
// [Engine.Floor] takes the right away. Nobody's is ever opened from here.
func (e *Engine) Mute(ctx context.Context, room, person string, source Source) error {
	all, err := e.Present(ctx, room)
	if err != nil {
		return err
	}
	for _, p := range all {
		for _, t := range p.Sends {
			if p.Person != person || t.Source != source || t.Muted {
				continue
			}
			err := e.call(ctx, room, "MutePublishedTrack", map[string]any{"room": room, "identity": person, "trackSid": t.ID, "muted": true}, nil)
			if err != nil && !errors.Is(err, errNotThere) {
				return err
			}
		}
	}
	return nil
}

// removeFor is how long a removal is tried again, and removeEach how often. For some seconds
// after somebody's line was cut, the engine says that they are not there while they are: the
// end of their old connection deletes the record of the new one.
const (
	removeFor  = 10 * time.Second
	removeEach = time.Second
)

// Remove puts somebody out of the room. It keeps nobody out: who decides refuses them at the
// proxy first, and the proxy cuts their line ([Proxy.Cut]). Where the engine does not know
// them, or a room of its own does not answer it yet, it is asked again for some seconds, after
// Remove returned.
func (e *Engine) Remove(ctx context.Context, room, person string) error {
	err := e.remove(ctx, room, person)
	if !errors.Is(err, errNotThere) && !errors.Is(err, errNotYet) {
		return err
	}
	e.mu.Lock()
	running := e.running
	e.mu.Unlock()
	e.late.Go(func() {
		ctx, cancel := context.WithTimeout(running, removeFor)
		defer cancel()
		for {
			sleep(ctx, removeEach)
			if ctx.Err() != nil || e.remove(ctx, room, person) == nil {
				return
			}
		}
	})
	return nil
}

func (e *Engine) remove(ctx context.Context, room, person string) error {
	return e.call(ctx, room, "RemoveParticipant", map[string]any{"room": room, "identity": person}, nil)
}

// Present is who is in the room. A room that is not there has nobody in it.
func (e *Engine) Present(ctx context.Context, room string) ([]Participant, error) {
	var list struct {
		Participants []struct {
			Identity string
			Name     string
			JoinedAt int64 `json:"joined_at,string"`
			Tracks   []struct {
				Sid    string
				Source Source
				Muted  bool
			}
		}
	}
	err := e.call(ctx, room, "ListParticipants", map[string]any{"room": room}, &list)
	if errors.Is(err, errNotThere) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := make([]Participant, 0, len(list.Participants))
	for _, p := range list.Participants {
		one := Participant{Person: p.Identity, Name: p.Name, Since: time.Unix(p.JoinedAt, 0)}
		for _, t := range p.Tracks {
			one.Sends = append(one.Sends, Track{ID: t.Sid, Source: t.Source, Muted: t.Muted})
		}
		out = append(out, one)
	}
	return out, nil
}

// errNotThere: the engine knows no such room or person.
var errNotThere = errors.New("the engine knows no such room or person")

// errNotYet: a room that was just made does not hear the engine's calls yet.
var errNotYet = errors.New("the room does not answer the engine yet")

// call makes one call of the engine's RoomService, as JSON over HTTP (Twirp).
func (e *Engine) call(ctx context.Context, room, method string, in, out any) error {
	base, err := e.at(ctx)
	if err != nil {
		return err
	}
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base.JoinPath("twirp/livekit.RoomService", method).String(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+e.callToken(room, time.Now()))
	res, err := e.client.Do(req)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrAway, method, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, answerLimit))
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrAway, method, err)
	}
	if res.StatusCode == http.StatusNotFound {
		return errNotThere
	}
	if res.StatusCode == http.StatusServiceUnavailable {
		return fmt.Errorf("%w: %s: %.200s", errNotYet, method, answer)
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: the engine answers %s: %.200s", method, res.Status, answer)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("%s: the engine's answer: %w", method, err)
	}
	return nil
}
