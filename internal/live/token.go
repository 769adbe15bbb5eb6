package live

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"time"
)

// tokenLife is how long a token for a person opens anything: one connection that is made
// now needs seconds.
const tokenLife = 10 * time.Minute

// claims are those of the engine's tokens (JWT), with the engine's own names.
type claims struct {
	Issuer  string `json:"iss"`
	Subject string `json:"sub,omitempty"`
	Name    string `json:"name,omitempty"`
	From    int64  `json:"nbf"`
	Until   int64  `json:"exp"`
	Video   video  `json:"video"`
}

// video are the rights. What may be sent is always written out: the engine takes a right
// that is not there for one that is given.
type video struct {
	Room       string `json:"room,omitempty"`
	RoomJoin   bool   `json:"roomJoin,omitempty"`
	RoomCreate bool   `json:"roomCreate,omitempty"`
	RoomList   bool   `json:"roomList,omitempty"`
	RoomAdmin  bool   `json:"roomAdmin,omitempty"`

	CanSubscribe         bool     `json:"canSubscribe"`
	CanPublish           bool     `json:"canPublish"`
	CanPublishData       bool     `json:"canPublishData"`
	CanUpdateOwnMetadata bool     `json:"canUpdateOwnMetadata"`
	Sources              []string `json:"canPublishSources,omitempty"`
}

// sources are the engine's names of what may be sent.
func (g Grants) sources() (out []string) {
	if g.Microphone {
		out = append(out, "microphone")
	}
	if g.Camera {
		out = append(out, "camera")
	}
	if g.Screen {
		out = append(out, "screen_share", "screen_share_audio")
	}
	return out
}

// token is for one person and one room, and what they may send.
func (e *Engine) token(room, person string, g Grants, now time.Time) string {
	sources := g.sources()
	return e.sign(claims{Subject: person, Name: g.Name, Video: video{Room: room, RoomJoin: true, CanSubscribe: true, CanPublish: len(sources) > 0, Sources: sources}}, tokenLife, now)
}

// callToken is for one of our own calls about a room.
func (e *Engine) callToken(room string, now time.Time) string {
	return e.sign(claims{Video: video{Room: room, RoomCreate: true, RoomList: true, RoomAdmin: true}}, time.Minute, now)
}

// sign writes a token (JWT, HS256): three lines of HMAC, for which a library would bring
// algorithms that must never be accepted here. now is the machine's clock, as the engine's.
func (e *Engine) sign(c claims, life time.Duration, now time.Time) string {
	c.Issuer, c.From, c.Until = e.key, now.Add(-10*time.Second).Unix(), now.Add(life).Unix()
	body, err := json.Marshal(c)
	if err != nil {
		panic("live: a token: " + err.Error()) // strings and numbers can be written
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(body)
	mac := hmac.New(sha256.New, []byte(e.secret))
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
