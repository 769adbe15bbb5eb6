// Sound and picture of a class, loaded on the page of a class and nowhere else. The page
// says what people see and press; this says what happens on the wire. It exposes one function,
// preauLive, and decides nothing: who may enter and who may speak is the server's.
import { DisconnectReason, Room, RoomEvent, Track, VideoPresets } from 'livekit-client';

// How long after a line was lost it is tried again, in milliseconds. The server holds the
// first try for as long as its engine takes to start again; whoever comes back after that
// tries each two seconds, for five minutes.
const tries = [0, 200, 500, 1000];
const reconnectPolicy = {
  nextRetryDelayInMs: ({ retryCount, elapsedMs }) => (elapsedMs > 300_000 ? null : tries[retryCount] ?? 2000),
};

const kinds = { microphone: Track.Source.Microphone, camera: Track.Source.Camera, screen: Track.Source.ScreenShare, 'screen-sound': Track.Source.ScreenShareAudio };

// preauLive(address, hear) prepares the class at that address, such as /live/ROOM. hear is
// called with a name and details:
//   state    {state: 'connecting'|'connected'|'reconnecting'|'out', reason}
//   people   {people: [{id, name, me, microphone, camera, screen, speaking}]}
//   track    {id, source: 'microphone'|'camera'|'screen'|'screen-sound', element}: put it in the page
//   gone     {id, source, element}: take it out
//   floor    {microphone, camera, screen}: what this person may send now
//   silent   {}: the browser plays no sound before a gesture: call sound()
function preauLive(address, hear) {
  const room = new Room({
    adaptiveStream: true, // a picture is asked for in the size that is shown, or not at all
    dynacast: true,
    reconnectPolicy,
    disconnectOnPageLeave: true,
    videoCaptureDefaults: { resolution: VideoPresets.h360.resolution },
    publishDefaults: {
      simulcast: true,
      videoSimulcastLayers: [VideoPresets.h180],
      screenShareEncoding: { maxBitrate: 1_200_000, maxFramerate: 5 }, // slides: 30 pupils are 36 Mbit/s
      dtx: true,
      red: true,
    },
  });
  let soundOnly = false;

  const nameOf = (source) => Object.keys(kinds).find((kind) => kinds[kind] === source) ?? 'other';
  const may = () => {
    const p = room.localParticipant.permissions;
    // The engine numbers sources: camera 1, microphone 2, screen 3.
    const allowed = (n) => Boolean(p?.canPublish) && (p.canPublishSources.length === 0 || p.canPublishSources.includes(n));
    return { camera: allowed(1), microphone: allowed(2), screen: allowed(3) };
  };
  const people = () =>
    [room.localParticipant, ...room.remoteParticipants.values()].filter((p) => p.identity).map((p) => ({
      id: p.identity, name: p.name, me: p === room.localParticipant,
      microphone: p.isMicrophoneEnabled, camera: p.isCameraEnabled, screen: p.isScreenShareEnabled, speaking: p.isSpeaking,
    }));
  const tell = () => hear('people', { people: people() });
  const want = (publication) => {
    if (publication.kind === Track.Kind.Video) publication.setSubscribed(!soundOnly);
  };

  room
    .on(RoomEvent.Connected, () => { hear('state', { state: 'connected' }); hear('floor', may()); tell(); })
    .on(RoomEvent.Reconnecting, () => hear('state', { state: 'reconnecting' }))
    .on(RoomEvent.SignalReconnecting, () => hear('state', { state: 'reconnecting' }))
    .on(RoomEvent.Reconnected, () => { hear('state', { state: 'connected' }); hear('floor', may()); tell(); })
    .on(RoomEvent.Disconnected, (reason) => hear('state', { state: 'out', reason: DisconnectReason[reason] ?? '' }))
    .on(RoomEvent.TrackPublished, want)
    .on(RoomEvent.TrackSubscribed, (track, publication, who) => {
      hear('track', { id: who.identity, source: nameOf(publication.source), element: track.attach() });
      tell();
    })
    .on(RoomEvent.TrackUnsubscribed, (track, publication, who) => {
      for (const element of track.detach()) hear('gone', { id: who.identity, source: nameOf(publication.source), element });
      tell();
    })
    .on(RoomEvent.LocalTrackPublished, (publication) => {
      if (publication.kind === Track.Kind.Video) {
        hear('track', { id: room.localParticipant.identity, source: nameOf(publication.source), element: publication.track.attach() });
      }
      tell();
    })
    .on(RoomEvent.LocalTrackUnpublished, (publication) => {
      for (const element of publication.track?.detach() ?? []) {
        hear('gone', { id: room.localParticipant.identity, source: nameOf(publication.source), element });
      }
      tell();
    })
    .on(RoomEvent.ParticipantPermissionsChanged, (_, who) => { if (who === room.localParticipant) hear('floor', may()); })
    .on(RoomEvent.AudioPlaybackStatusChanged, () => { if (!room.canPlaybackAudio) hear('silent', {}); });
  for (const event of [RoomEvent.ParticipantConnected, RoomEvent.ParticipantDisconnected, RoomEvent.TrackMuted, RoomEvent.TrackUnmuted, RoomEvent.ActiveSpeakersChanged]) {
    room.on(event, tell);
  }

  return {
    // enter connects. The engine's token is made by the server, which knows who this is by
    // their session; what is given here is thrown away there. It fails in bounded time where
    // neither UDP nor TCP reaches the engine: the class goes on without sound and picture.
    async enter() {
      hear('state', { state: 'connecting' });
      const url = new URL(address, location.href);
      url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
      await room.connect(url.href, 'none', { peerConnectionTimeout: 10_000 });
    },
    leave: () => room.disconnect(),
    microphone: (on) => room.localParticipant.setMicrophoneEnabled(on),
    camera: (on) => room.localParticipant.setCameraEnabled(on),
    screen: (on) => room.localParticipant.setScreenShareEnabled(on, { audio: true }),
    sound: () => room.startAudio(),
    // soundOnly takes every picture away, of others and one's own, for a poor line.
    async soundOnly(on) {
      soundOnly = on;
      for (const p of room.remoteParticipants.values()) p.trackPublications.forEach(want);
      if (on && room.localParticipant.isCameraEnabled) await room.localParticipant.setCameraEnabled(false);
    },
    people,
    room, // for tests, and for what the page needs once
  };
}

globalThis.preauLive = preauLive;
