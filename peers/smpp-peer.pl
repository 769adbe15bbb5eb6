#!/usr/bin/perl
# An SMS centre for tests by Debian's Net::SMPP, which shares nothing with the other
# one. It speaks the lines that smpp-peer.mjs describes, as far as it goes: connect,
# bind, submit, given, enquire, unbind, close; and the orders deliver, unbind, drop, sync.
# It plays no faults and serves one connection at a time.
use strict;
use warnings;
use IO::Select;
use JSON::PP;
use MIME::Base64;

BEGIN {
	$| = 1;
	if (!eval { require Net::SMPP; 1 }) {
		print encode_json({ error => 'Net::SMPP is not installed: run make setup' }), "\n";
		exit 1;
	}
}

my $config = decode_json($ARGV[0] || '{}');
sub say_event { print encode_json({@_}), "\n" }
sub number { $_[0] + 0 }
sub yes { $_[0] ? JSON::PP::true : JSON::PP::false }

my @default = ('@', "\xa3", '$', "\xa5", "\xe8", "\xe9", "\xf9", "\xec", "\xf2", "\xc7", "\n", "\xd8", "\xf8", "\r", "\xc5", "\xe5",
	"\x{394}", '_', "\x{3a6}", "\x{393}", "\x{39b}", "\x{3a9}", "\x{3a0}", "\x{3a8}", "\x{3a3}", "\x{398}", "\x{39e}", '', "\xc6", "\xe6", "\xdf", "\xc9",
	' ', '!', '"', '#', "\xa4", map({ chr } 0x25 .. 0x3f), "\xa1", 'A' .. 'Z', "\xc4", "\xd6", "\xd1", "\xdc", "\xa7",
	"\xbf", 'a' .. 'z', "\xe4", "\xf6", "\xf1", "\xfc", "\xe0");
my %escaped = (0x0a => "\f", 0x14 => '^', 0x28 => '{', 0x29 => '}', 0x2f => '\\', 0x3c => '[', 0x3d => '~', 0x3e => ']', 0x40 => '|', 0x65 => "\x{20ac}");

# text_of decodes a short message and finds its header of a message in parts.
sub text_of {
	my ($pdu) = @_;
	my ($bytes, @part) = ($pdu->{short_message}, 0, 0, 0);
	if ($pdu->{esm_class} & 0x40) {
		my $length = ord $bytes;
		my $header = substr $bytes, 1, $length;
		$bytes = substr $bytes, 1 + $length;
		my ($kind, undef, @rest) = unpack 'C*', $header;
		@part = $kind == 0 ? @rest[0 .. 2] : ($rest[0] * 256 + $rest[1], @rest[2, 3]);
	}
	return (join('', map { chr } unpack 'n*', $bytes), @part) if $pdu->{data_coding} == 8;
	my $text = '';
	for (my @septets = unpack 'C*', $bytes; @septets;) {
		my $s = shift @septets;
		$text .= $s == 0x1b ? $escaped{ shift @septets } // '?' : $default[$s];
	}
	return ($text, @part);
}

my $listen = Net::SMPP->new_listen('127.0.0.1', port => 0, timeout => 5, smpp_version => 0x34) or die "listen: $!";
my ($client, $user, $orders, $last) = (undef, undef, '', 0xb0000000);
my (@waiting, %given);
my $wait = IO::Select->new(\*STDIN, $listen);
print encode_json({ port => number($listen->sockport) }), "\n";

sub hang_up {
	return if !$client;
	$wait->remove($client);
	close $client;
	push @waiting, values %given;
	($client, $user, %given) = ();
	say_event(event => 'close');
	$wait->add($listen);
}

sub deliver {
	my ($d) = @_;
	return push @waiting, $d if !defined $user;
	my $seq = $client->deliver_sm(
		async => 1, source_addr_ton => 1, source_addr_npi => 1, source_addr => $d->{from}, dest_addr_ton => 0, dest_addr_npi => 0,
		destination_addr => $d->{to} || '', esm_class => $d->{esm} || 0, data_coding => $d->{coding} || 0,
		short_message => $d->{raw} ? decode_base64($d->{raw}) : $d->{text} || '',
		($d->{receipted} ? (receipted_message_id => "$d->{receipted}\0") : ()),
		($d->{state} ? (message_state => chr $d->{state}) : ()),
	);
	$given{$seq} = $d;
}

my %answer = (
	0x09 => sub {
		my ($pdu) = @_;
		my $wrong = $config->{user} && $pdu->{system_id} ne $config->{user} ? 0x0f : $config->{pass} && $pdu->{password} ne $config->{pass} ? 0x0e : 0;
		say_event(event => 'bind', as => 'bind_transceiver', user => $pdu->{system_id}, type => $pdu->{system_type}, status => $wrong, version => number($pdu->{interface_version}));
		$client->bind_transceiver_resp(seq => $pdu->{seq}, status => $wrong, system_id => 'perl');
		return if $wrong;
		$user = $pdu->{system_id};
		deliver($_) for splice @waiting;
	},
	0x04 => sub {
		my ($pdu) = @_;
		my ($text, $ref, $total, $part) = text_of($pdu);
		my $id = sprintf '%x', ++$last;
		my $reference = defined $pdu->{0x204} ? unpack('n', $pdu->{0x204}) : 0;
		say_event(event => 'submit', taken => yes(1), throttled => yes(0), user => $user, id => $id, sequence => number($pdu->{seq}), from => $pdu->{source_addr},
			to => $pdu->{destination_addr}, text => $text, coding => number($pdu->{data_coding}), esm => number($pdu->{esm_class}),
			registered => number($pdu->{registered_delivery}), reference => number($reference), ref => number($ref), total => number($total), part => number($part),
			validity => $pdu->{validity_period}, raw => encode_base64($pdu->{short_message}, ''), sourceTON => number($pdu->{source_addr_ton}),
			sourceNPI => number($pdu->{source_addr_npi}), destTON => number($pdu->{dest_addr_ton}), destNPI => number($pdu->{dest_addr_npi}));
		$client->submit_sm_resp(seq => $pdu->{seq}, message_id => $id);
		deliver({ from => $pdu->{destination_addr}, to => $pdu->{source_addr}, esm => 4, receipted => $id, state => 2,
			text => "id:$id sub:001 dlvrd:001 submit date:2610060805 done date:2610060805 stat:DELIVRD err:000 text:" })
			if ($config->{receipts} || '') eq 'delivered' && $pdu->{registered_delivery};
	},
	0x80000005 => sub {
		my ($pdu) = @_;
		my $d = delete $given{ $pdu->{seq} };
		say_event(event => 'given', known => yes($d), status => number($pdu->{status}), text => $d && $d->{text} || '', id => $d && $d->{receipted} || '');
		deliver($d) if $d && $pdu->{status} == 0x64;
	},
	0x15 => sub { say_event(event => 'enquire'); $client->enquire_link_resp(seq => $_[0]{seq}) },
	0x06 => sub { say_event(event => 'unbind'); $client->unbind_resp(seq => $_[0]{seq}); hang_up() },
	0x80000006 => sub { say_event(event => 'unbound'); hang_up() },
);

sub obey {
	my ($order) = @_;
	deliver($order->{deliver}) if $order->{do} eq 'deliver';
	$client->unbind(async => 1) if $order->{do} eq 'unbind' && defined $user;
	hang_up() if $order->{do} eq 'drop';
	say_event(event => 'done', n => number($order->{n}));
}

while (1) {
	for my $ready ($wait->can_read) {
		if ($ready == \*STDIN) {
			sysread(STDIN, $orders, 65536, length $orders) or exit 0;
			obey(decode_json($1)) while $orders =~ s/^(.*)\n//;
		} elsif ($ready == $listen) {
			$client = $listen->accept or next; # it may have been a moment too late: next time
			$wait->remove($listen);
			$wait->add($client);
			say_event(event => 'connect');
		} elsif ($client && $ready == $client) {
			local $SIG{__WARN__} = sub { };
			my $pdu = $client->read_pdu;
			if (!$pdu) { hang_up(); next }
			my $do = $answer{ $pdu->{cmd} };
			$do ? $do->($pdu) : $client->generic_nack(seq => $pdu->{seq}, status => 3);
		}
	}
}
