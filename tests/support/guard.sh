# Becomes the command given, which is killed when our stdin ends: that is when
# whoever started us is gone, in whatever way it went.
exec 3<&0
(while read -r _ <&3; do :; done; kill -KILL $$) >/dev/null 2>&1 &
exec "$@" </dev/null 3<&-
