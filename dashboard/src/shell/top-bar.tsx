import { Dialog } from '@base-ui/react/dialog'
import { Menu } from '@base-ui/react/menu'
import { useEffect, useRef, useState } from 'react'
import { formatClock } from '../format.ts'
import { live, useFleetVersion, useStreamState } from '../live/live.ts'
import { useSearch } from '../search.ts'
import { askToSignIn, signOut, useSession } from '../session/session.ts'
import { setTheme, type Theme, useTheme } from '../theme.ts'
import { MenuIcon, MoonIcon, PersonIcon, ScreenIcon, SearchIcon, SunIcon } from '../ui/icons.tsx'
import { Brand, Navigation } from './navigation.tsx'

/** Search, whether the page is live, and who is in front of it. */
export function TopBar() {
  return (
    <header className="top">
      <Drawer />
      <Brand />
      <Search />
      <div className="top-end">
        <Stream />
        <PersonMenu />
      </div>
      <PageTitle />
    </header>
  )
}

/** On a phone the navigation comes in from the side. */
function Drawer() {
  const [open, setOpen] = useState(false)
  return (
    <Dialog.Root open={open} onOpenChange={setOpen}>
      <Dialog.Trigger className="button ghost icon menu-button" aria-label="Pages">
        <MenuIcon />
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="drawer" aria-label="Pages">
          <Brand />
          <Navigation onGo={() => setOpen(false)} />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}

function Search() {
  const { query, searchFor } = useSearch()
  const input = useRef<HTMLInputElement>(null)
  const [text, setText] = useState(query)
  // Somebody followed a link, or went back.
  useEffect(() => {
    if (document.activeElement !== input.current) setText(query)
  }, [query])
  return (
    <search className="search">
      <SearchIcon />
      <input
        ref={input}
        id="search"
        className="input"
        type="search"
        placeholder="Search devices"
        aria-label="Search devices"
        aria-keyshortcuts="/"
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(event) => {
          setText(event.target.value)
          searchFor(event.target.value)
        }}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return
          event.preventDefault()
          setText('')
          if (query !== '') searchFor('')
        }}
      />
      <span className="key-hint" aria-hidden="true">
        /
      </span>
    </search>
  )
}

function Stream() {
  const state = useStreamState()
  const text =
    state === 'live'
      ? 'live'
      : state === 'lost'
        ? `no answer since ${formatClock(live.lostAt())}, trying again`
        : 'connecting …'
  return (
    <p className="stream" role="status" data-state={state}>
      <span className="lamp" aria-hidden="true" />
      <span id="stream">{text}</span>
    </p>
  )
}

const THEMES: readonly {
  readonly value: Theme
  readonly label: string
  readonly Icon: () => React.JSX.Element
}[] = [
  { value: 'auto', label: 'As the system', Icon: ScreenIcon },
  { value: 'light', label: 'Light', Icon: SunIcon },
  { value: 'dark', label: 'Dark', Icon: MoonIcon },
]

function PersonMenu() {
  const { caller } = useSession()
  const theme = useTheme()
  const nobody = caller.kind === 'anonymous'
  const name = nobody ? 'Not signed in' : (caller.name ?? caller.id)
  return (
    <Menu.Root>
      <Menu.Trigger className="button ghost icon" aria-label={`${name}, theme and session`}>
        <PersonIcon />
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner className="menu-positioner" align="end" sideOffset={6}>
          <Menu.Popup className="menu">
            <p className="menu-note">
              {nobody ? 'Not signed in: reading is open here' : `Signed in as ${name}`}
            </p>
            <Menu.RadioGroup
              value={theme}
              onValueChange={(value) => {
                const chosen = THEMES.find((one) => one.value === value)
                if (chosen !== undefined) setTheme(chosen.value)
              }}
            >
              {THEMES.map(({ value, label, Icon }) => (
                <Menu.RadioItem key={value} value={value} className="menu-item" closeOnClick>
                  <Icon />
                  {label}
                </Menu.RadioItem>
              ))}
            </Menu.RadioGroup>
            <div className="menu-line" />
            {nobody ? (
              <Menu.Item className="menu-item" onClick={() => void askToSignIn()}>
                Sign in
              </Menu.Item>
            ) : (
              <Menu.Item className="menu-item" onClick={() => void signOut()}>
                Sign out
              </Menu.Item>
            )}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  )
}

/** The title of the window tells how many alarms are open, also while it stands behind others. */
function PageTitle() {
  useFleetVersion(1_000)
  let open = 0
  for (const device of live.devices.values()) open += device.alarms.length
  const title = open === 0 ? 'anyhub' : `(${open}) anyhub`
  useEffect(() => {
    document.title = title
  }, [title])
  return null
}
