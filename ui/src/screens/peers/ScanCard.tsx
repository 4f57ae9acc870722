import { Camera, Image } from "lucide-react";
import { useEffect, useId, useRef, useState } from "react";
import { Button, buttonClass } from "@/shared/Button";
import { cx } from "@/shared/class";
import { Fault } from "@/shared/layout";
import { readQr, readQrFile } from "@/shared/readQr";
import { t } from "@/text";

const words = t.card.scan;
/** A picture that somebody has chosen is worth more patience than one of many from a camera. */
const FILE_LIMIT_MS = 2_000;
const FRAME_LIMIT_MS = 60;
const FRAME_EVERY_MS = 150;

/** Reads a card's code by the camera, where there is one, or from a picture that is chosen or pasted. */
export function ScanCard({ onRead }: { onRead: (text: string) => void }) {
  const hasCamera = useCamera();
  const [scanning, setScanning] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  const id = useId();
  const read = useRef(onRead);
  read.current = onRead;

  const found = (text: string) => {
    setScanning(false);
    setFault(null);
    read.current(text);
  };
  const readFile = async (file: Blob) => {
    setFault(null);
    try {
      const text = await readQrFile(file, FILE_LIMIT_MS);
      if (text === null) setFault(words.none);
      else found(text);
    } catch {
      setFault(words.noPicture);
    }
  };
  const paste = useRef(readFile);
  paste.current = readFile;
  useEffect(() => {
    const onPaste = (event: ClipboardEvent) => {
      const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"));
      if (file === undefined) return;
      event.preventDefault();
      void paste.current(file);
    };
    document.addEventListener("paste", onPaste);
    return () => document.removeEventListener("paste", onPaste);
  }, []);

  return (
    <div className="mt-2 grid grid-cols-[minmax(0,1fr)] gap-2">
      <div className="flex flex-wrap gap-2">
        {hasCamera && (
          <Button
            data-testid="scan-card"
            icon={<Camera className="size-3.5" aria-hidden="true" />}
            aria-expanded={scanning}
            onClick={() => {
              setFault(null);
              setScanning(!scanning);
            }}
          >
            {scanning ? words.stop : words.camera}
          </Button>
        )}
        <label
          htmlFor={id}
          className={cx(
            buttonClass({}),
            "cursor-pointer focus-within:outline-2 focus-within:outline-accent focus-within:outline-offset-2",
          )}
        >
          <Image className="size-3.5" aria-hidden="true" />
          {words.picture}
          <input
            id={id}
            type="file"
            accept="image/*"
            className="sr-only"
            data-testid="card-picture"
            onChange={(event) => {
              const [file] = event.target.files ?? [];
              if (file !== undefined) void readFile(file);
              // The same one can be chosen again.
              event.target.value = "";
            }}
          />
        </label>
      </div>
      {scanning && (
        <Viewfinder
          onRead={found}
          onFault={(text) => {
            setScanning(false);
            setFault(text);
          }}
        />
      )}
      {fault !== null && <Fault>{fault}</Fault>}
    </div>
  );
}

/** What the camera sees, until a code is in it. */
function Viewfinder({
  onRead,
  onFault,
}: {
  onRead: (text: string) => void;
  onFault: (text: string) => void;
}) {
  const video = useRef<HTMLVideoElement>(null);
  const told = useRef({ onRead, onFault });
  told.current = { onRead, onFault };
  useEffect(() => {
    let ended = false;
    let timer = 0;
    let stream: MediaStream | null = null;
    const look = async () => {
      const shown = video.current;
      if (ended || shown === null) return;
      const text =
        shown.videoWidth === 0
          ? null
          : await readQr(shown, shown.videoWidth, shown.videoHeight, FRAME_LIMIT_MS);
      if (ended) return;
      if (text === null) timer = window.setTimeout(() => void look(), FRAME_EVERY_MS);
      else told.current.onRead(text);
    };
    const begin = async () => {
      try {
        stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
        if (ended || video.current === null) {
          stop(stream);
          return;
        }
        video.current.srcObject = stream;
        await video.current.play();
        await look();
      } catch (fault) {
        if (!ended) told.current.onFault(cameraFault(fault));
      }
    };
    void begin();
    return () => {
      ended = true;
      window.clearTimeout(timer);
      stop(stream);
    };
  }, []);
  return (
    <figure>
      <video
        ref={video}
        muted
        playsInline
        aria-label={words.seen}
        className="max-h-72 w-full rounded-md border border-line bg-sunken object-contain"
      />
      <figcaption className="mt-1 text-sm text-muted">{words.hold}</figcaption>
    </figure>
  );
}

function stop(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

function cameraFault(fault: unknown): string {
  const name = fault instanceof DOMException ? fault.name : "";
  return name === "NotAllowedError" ? words.notAllowed : words.noCamera;
}

/** Whether there is a camera that this page can ask for. */
function useCamera(): boolean {
  const [has, setHas] = useState(false);
  useEffect(() => {
    let latest = true;
    // Without TLS on another computer, and in some windows, there is nothing to ask.
    navigator.mediaDevices?.enumerateDevices?.().then(
      (devices) => latest && setHas(devices.some(({ kind }) => kind === "videoinput")),
      () => {},
    );
    return () => {
      latest = false;
    };
  }, []);
  return has;
}
